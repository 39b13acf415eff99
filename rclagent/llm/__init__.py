"""Language models: one small protocol, a client for OpenAI's format, and wrappers around any model."""

from rclagent.llm.access import ModelAccess
from rclagent.llm.answers import Answer, Answered, Unanswered, ask, read_answer, settle
from rclagent.llm.budget import Budget, Limits
from rclagent.llm.chat_model import (
    Capabilities,
    ChatModel,
    JsonSchema,
    Message,
    Reply,
    Role,
    Tool,
    ToolCall,
)
from rclagent.llm.connect import connect
from rclagent.llm.health import Health
from rclagent.llm.limit import Limit
from rclagent.llm.mask import Masker
from rclagent.llm.recording import Recorder, Recording, load_recording
from rclagent.llm.replay import ReplayModel
from rclagent.llm.retry import RetryPolicy
from rclagent.llm.settings import ModelSettings, read_settings
from rclagent.llm.tool_text import read_tool_calls, write_tool_call
from rclagent.llm.usage import Prices, Usage

__all__ = [
    "Answer",
    "Answered",
    "Budget",
    "Capabilities",
    "ChatModel",
    "Health",
    "JsonSchema",
    "Limit",
    "Limits",
    "Masker",
    "Message",
    "ModelAccess",
    "ModelSettings",
    "Prices",
    "Recorder",
    "Recording",
    "ReplayModel",
    "Reply",
    "RetryPolicy",
    "Role",
    "Tool",
    "ToolCall",
    "Unanswered",
    "Usage",
    "ask",
    "connect",
    "load_recording",
    "read_answer",
    "read_settings",
    "read_tool_calls",
    "settle",
    "write_tool_call",
]
