"""A diagnosis with a model, from connecting to closing; Ctrl-C ends the asking, not the answer."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from hashlib import blake2b
from typing import Final

from rclagent.agents import SpendingPlan
from rclagent.cli.model_choice import Choice
from rclagent.cli.model_options import ModelOptions
from rclagent.cli.options import Strategy
from rclagent.cli.progress import Listener
from rclagent.core.diagnosis import Diagnosis
from rclagent.core.incident import Incident
from rclagent.engine import diagnose, plan_spending
from rclagent.engine.granting import Spending
from rclagent.llm import Limit, Masker, ModelAccess, Recorder, ReplayModel

CONCURRENCY: Final = 16
"""Requests at a time, unless told otherwise."""
TIMEOUT_S: Final = 60.0
"""Seconds of one request at most, unless told otherwise: a small model on two cores takes most of them."""
_SALT_BYTES: Final = 32


def run_plan(incident: Incident, choice: Choice, options: ModelOptions, *, spend: Spending) -> SpendingPlan:
    """What the model would be asked."""
    return asyncio.run(
        plan_spending(
            incident,
            ModelAccess(model=choice.model),
            limits=choice.limits,
            prices=choice.prices,
            spend=spend,
            strategy=(options.strategy or Strategy.PARALLEL).value,
        )
    )


def run_with_model(
    incident: Incident, choice: Choice, options: ModelOptions, *, spend: Spending, listener: Listener | None
) -> tuple[Diagnosis, bool]:
    """The diagnosis, and whether Ctrl-C cut it short.

    Raises:
        InputError: The recording cannot be written.
    """
    return asyncio.run(_diagnosed(incident, choice, options, spend, listener))


async def _diagnosed(
    incident: Incident, choice: Choice, options: ModelOptions, spend: Spending, listener: Listener | None
) -> tuple[Diagnosis, bool]:
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        if not isinstance(choice.model, ReplayModel):
            stack.push_async_callback(choice.model.aclose)
        # Opened only now: an earlier recording is not replaced by a run that never came to ask.
        recorder = None if options.record is None else stack.enter_context(Recorder(options.record))
        access = ModelAccess(
            model=choice.model,
            limit=Limit(options.concurrency or CONCURRENCY),
            timeout_s=options.timeout or TIMEOUT_S,
            recorder=recorder,
            masker=Masker(_salt(incident), addresses=options.mask),
        )
        stack.enter_context(_stopping(stop))
        diagnosis = await diagnose(
            incident,
            spend=spend,
            strategy=(options.strategy or Strategy.PARALLEL).value,
            progress=listener,
            model=access,
            limits=choice.limits,
            prices=choice.prices,
            stop=stop,
        )
    return diagnosis, stop.is_set()


@contextmanager
def _stopping(stop: asyncio.Event) -> Iterator[None]:
    """The first Ctrl-C sets the event, the next one ends the program."""
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        stop.set()
        print("rclagent: Stopping with what is known; press Ctrl-C again to give up.", file=sys.stderr)

    # Neither Windows nor a thread other than the first has such handlers: Ctrl-C ends the program there.
    with suppress(RuntimeError):
        loop.add_signal_handler(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        with suppress(RuntimeError):
            loop.remove_signal_handler(signal.SIGINT)


def _salt(incident: Incident) -> bytes:
    """The same for a recording and its replay, and known to none but who has the telemetry anyway."""
    digest = blake2b(digest_size=_SALT_BYTES)
    spans = incident.store.spans_in([incident.window])
    for column in ("start_ns", "end_ns"):
        digest.update(spans[column].sort().to_numpy().tobytes())
    digest.update(str((incident.window, incident.alarm_ns)).encode())
    return digest.digest()
