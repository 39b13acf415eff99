"""Use a model of your own: ``python examples/own_model.py``.

A back end is any object with a name, its capabilities and one method. What it raises becomes an error that
agents understand; retries, limits, budgets and time-outs come from ``ModelAccess``.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from rclagent.llm import Budget, Capabilities, JsonSchema, Limits, Message, ModelAccess, Reply, Role, Tool


class ProgramModel:
    """Gives the prompt to a program (say ``ollama run NAME``) and takes what it prints."""

    capabilities = Capabilities(tools=False, json_schema=False, temperature=False)

    def __init__(self, *command: str) -> None:
        self.name, self.command = command[0], command

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        prompt = "\n\n".join(f"{message.role}: {message.content}" for message in messages)
        pipe = asyncio.subprocess.PIPE
        program = await asyncio.create_subprocess_exec(*self.command, stdin=pipe, stdout=pipe)
        try:
            printed, _ = await program.communicate(prompt.encode())
        finally:
            if program.returncode is None:  # cancelled, or too late
                program.kill()
        if program.returncode:
            raise RuntimeError(f"{self.name} ended with exit code {program.returncode}")
        return Reply(printed.decode(errors="replace"))


async def main() -> None:
    # The command of a real model goes here; this stand-in repeats the last word that it is told.
    own = ProgramModel(sys.executable, "-c", "import sys; print('You said', sys.stdin.read().split()[-1])")
    budget = Budget(Limits(calls=10, seconds=30))
    model = ModelAccess(model=own).paid_from(budget)
    reply = await model.complete([Message(Role.USER, "Is it the cache?")])
    print(reply.text.strip(), f"({budget.spent.calls} call)")


if __name__ == "__main__":
    asyncio.run(main())
