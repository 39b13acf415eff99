"""One file that holds every call of every model: a line of JSON for each, after a line that says what it is.

A call is known by its content: model, messages, tools and schema. So a replay needs no order, and the file
is the same whatever came back first. What agents did with their tools is in the messages that followed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TextIO, TypeAlias

from rclagent.errors import (
    GivenUp,
    InputError,
    ModelError,
    PermanentModelError,
    TransientModelError,
    UnsupportedFeature,
)
from rclagent.llm.chat_model import Capabilities, JsonSchema, Message, Reply, Tool, ToolCall
from rclagent.llm.usage import Usage

RECORDING_VERSION: Final = 1
"""Layout of the file; raised when a reader of the old one could not use the new one."""

Outcome: TypeAlias = Reply | ModelError
"""How a call ended."""


@dataclass(frozen=True, slots=True)
class Request:
    """All that a reply depends on, and what the model could do when it was asked."""

    model: str
    """Name of the model."""
    capabilities: Capabilities
    """What it could do then; no part of the key."""
    messages: Sequence[Message]
    """The conversation."""
    tools: Sequence[Tool]
    """Tools offered."""
    schema: JsonSchema | None
    """Schema asked for."""

    @property
    def key(self) -> str:
        """Digest of all but the capabilities."""
        content = {name: value for name, value in asdict(self).items() if name != "capabilities"}
        return blake2b(_json(content).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Recording:
    """What a recording holds."""

    outcomes: Mapping[str, tuple[Outcome, ...]]
    """How each request ended, by its key; several where it was made several times, in that order."""
    models: Mapping[str, Capabilities]
    """The models asked, and what they could do at first."""


class Recorder:
    """Writes a recording.

    Calls are written beside the file as they come, so that a run that is killed has not paid for nothing.
    Closing puts them in order and gives the file its name.

    Args:
        path: The file; an existing one is replaced when the new one is whole.

    Raises:
        InputError: The file cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._beside = self._path.parent / f"{self._path.name}.part"
        self._calls: list[tuple[str, str]] = []
        try:
            self._file: TextIO = self._beside.open("w", encoding="ascii")
            self._file.write(_HEADER)
        except OSError as error:
            raise self._unwritable(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, request: Request, outcome: Outcome) -> None:
        """Writes one call.

        Raises:
            InputError: The file cannot be written.
        """
        key = request.key
        line = _json({"key": key, "request": asdict(request), **_ended(outcome)}) + "\n"
        self._calls.append((key, line))
        try:
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            raise self._unwritable(error) from error

    def close(self) -> None:
        """Puts the calls in order and gives the file its name.

        Raises:
            InputError: The file cannot be written; what was recorded is left beside it.
        """
        # Equal requests keep the order in which they were answered.
        self._calls.sort(key=lambda call: call[0])
        try:
            self._file.close()
            ordered = self._beside.with_name(f"{self._beside.name}.ordered")
            with ordered.open("w", encoding="ascii") as file:
                file.write(_HEADER)
                file.writelines(line for _, line in self._calls)
            os.replace(ordered, self._path)
            self._beside.unlink()
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> InputError:
        return InputError(f"{str(self._path)!r} cannot be written: {error.strerror}.", "Choose another file.")


def load_recording(path: str | Path) -> Recording:
    """Read a recording.

    Raises:
        InputError: The file cannot be read, or is no recording of this version.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror}.", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{str(path)!r} is no recording: it is not text.", "Check the path.") from error
    header, *lines = text.splitlines() or [""]
    if header != _HEADER.rstrip():
        raise InputError(f"{str(path)!r} is no recording of version {RECORDING_VERSION}.", _RECORD_ANEW)
    outcomes: dict[str, list[Outcome]] = {}
    models: dict[str, Capabilities] = {}
    for number, line in enumerate(lines, start=2):
        try:
            call = json.loads(line)
            outcomes.setdefault(call["key"], []).append(_outcome(call))
            model, seen = call["request"]["model"], Capabilities(**call["request"]["capabilities"])
        except (LookupError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise InputError(f"{str(path)!r} is damaged in line {number}.", _RECORD_ANEW) from error
        models[model] = _either(models.get(model, seen), seen)
    return Recording({key: tuple(ended) for key, ended in outcomes.items()}, models)


def _ended(outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Reply):
        return {"reply": asdict(outcome)}
    kind = next((name for name, known in _KINDS.items() if isinstance(outcome, known)), "permanent")
    told = {name: getattr(outcome, name) for name in _FIELDS[kind]}
    return {"error": {"kind": kind, **told}}


def _outcome(call: Mapping[str, Any]) -> Outcome:
    if "error" in call:
        told = dict(call["error"])
        return _KINDS[told.pop("kind")](**told)
    reply = dict(call["reply"])
    calls = tuple(ToolCall(**made) for made in reply.pop("tool_calls"))
    return Reply(tool_calls=calls, usage=Usage(**reply.pop("usage")), **reply)


def _either(one: Capabilities, other: Capabilities) -> Capabilities:
    # Capabilities only ever shrink, and the file is not in the order of time: the most there were came first.
    names = [field.name for field in fields(Capabilities)]
    return Capabilities(**{name: getattr(one, name) or getattr(other, name) for name in names})


def _json(value: Any) -> str:
    # In ASCII: a model may write halves of surrogate pairs, which have no encoding.
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


_HEADER: Final = _json({"rclagent_recording": RECORDING_VERSION}) + "\n"
_RECORD_ANEW: Final = "Record it anew with --record FILE."
_KINDS: Final[dict[str, type[ModelError]]] = {
    "transient": TransientModelError,
    "unsupported": UnsupportedFeature,
    "given_up": GivenUp,
    "permanent": PermanentModelError,
}
_COMMON: Final = ("problem", "remedy", "status", "maybe_billed")
_FIELDS: Final = {
    "transient": (*_COMMON, "retry_after_s"),
    "unsupported": (*_COMMON, "feature"),
    "given_up": _COMMON,
    "permanent": _COMMON,
}
