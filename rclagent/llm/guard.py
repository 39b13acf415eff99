"""Whatever a back end raises becomes a model error."""

from __future__ import annotations

from collections.abc import Sequence

from rclagent.errors import PermanentModelError, RclError, TransientModelError
from rclagent.llm.chat_model import JsonSchema, Message, Reply, Tool
from rclagent.llm.foreign_text import one_line
from rclagent.llm.wrapper import Wrapper


class GuardedModel(Wrapper):
    """Turns errors of a back end into model errors, so that all around it need to know only those.

    Lost connections and time-outs are transient; anything else is permanent, a bug in a back end included.
    """

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), schema: JsonSchema | None = None
    ) -> Reply:
        """The wrapped model's reply.

        Raises:
            TransientModelError: The connection failed, or took too long.
            PermanentModelError: Anything else went wrong.
        """
        try:
            return await self._model.complete(messages, tools, schema)
        except RclError:
            raise
        except (ConnectionError, TimeoutError) as error:
            raise TransientModelError(
                self._problem(error), "Check that the model runs.", maybe_billed=True
            ) from error
        except Exception as error:
            raise PermanentModelError(
                self._problem(error), "Look for the cause in the back end.", maybe_billed=True
            ) from error

    def _problem(self, error: Exception) -> str:
        return f"The model {self.name!r} failed: {one_line(f'{type(error).__name__}: {error}')}."
