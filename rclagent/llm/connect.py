"""The way to a model by name; the SDK is loaded only here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rclagent.errors import DependencyError
from rclagent.llm.chat_model import Capabilities
from rclagent.llm.settings import ModelSettings

if TYPE_CHECKING:
    from rclagent.llm.openai_model import OpenAIModel


def connect(settings: ModelSettings, capabilities: Capabilities | None = None) -> OpenAIModel:
    """The model of the settings; nothing is sent before it is asked.

    Raises:
        DependencyError: The SDK is not installed.
    """
    try:
        from rclagent.llm.openai_model import OpenAIModel
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "openai":
            raise
        raise DependencyError(
            "The client for language models is not installed.",
            "Install it with pip install 'rclagent[openai]'.",
        ) from error
    return OpenAIModel(settings, capabilities=capabilities)
