"""What all wrappers share: they answer to the name and the capabilities of the model that they wrap."""

from __future__ import annotations

from rclagent.llm.chat_model import Capabilities, ChatModel


class Wrapper:
    """Base of a ``ChatModel`` around a ``ChatModel``; ``complete`` is the wrapper's own."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    @property
    def name(self) -> str:
        """Name of the wrapped model."""
        return self._model.name

    @property
    def capabilities(self) -> Capabilities:
        """What the wrapped model can do."""
        return self._model.capabilities
