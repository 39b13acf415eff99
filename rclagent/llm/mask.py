"""Stand-ins for what may not leave the machine, and the way back.

A stand-in is a word such as ``masked-email-0f3a52c8d1``. The same text always gets the same one, in whatever
order texts come: a model can tell whether two are the same, and a replay finds its requests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

from rclagent.llm.sensitive import ADDRESSES, SECRETS, STAND_IN, find, lower

_DIGITS: Final = 10
_ISSUED: Final = re.compile(rf"{STAND_IN}[a-z]+-[0-9a-f]+")


class Masker:
    """Masks texts, and remembers what each stand-in stands for.

    Args:
        salt: Keeps whoever reads a stand-in from trying what it may stand for; at most 64 bytes. The same for
            a recording and its replay.
        addresses: Whether IP addresses are masked, too.
    """

    def __init__(self, salt: bytes, *, addresses: bool = False) -> None:
        self._salt = salt
        self._kinds = SECRETS + (ADDRESSES if addresses else ())
        self._originals: dict[str, str] = {}

    @property
    def count(self) -> int:
        """Different texts masked so far."""
        return len(self._originals)

    def mask(self, text: str) -> str:
        """The text with stand-ins."""
        looked_at = lower(text)
        for kind in self._kinds:
            places = find(looked_at, kind)
            if places:
                text = self._replaced(text, kind.name, places)
                looked_at = lower(text)
        return text

    def unmask(self, text: str, *, in_json: bool = False) -> str:
        """The text with what its stand-ins stand for; those never issued stay.

        Args:
            text: Text with stand-ins.
            in_json: Whether they stand in strings of JSON, which quotes and line breaks would end.
        """

        def original(match: re.Match[str]) -> str:
            found = self._originals.get(match.group(), match.group())
            return json.dumps(found, ensure_ascii=False)[1:-1] if in_json else found

        return _ISSUED.sub(original, text) if STAND_IN in text else text

    def mask_all(self, value: Any) -> Any:
        """A value as of JSON, with every string in it masked but the names of fields."""
        return _mapped(value, self.mask)

    def unmask_all(self, value: Any) -> Any:
        """The way back from ``mask_all``."""
        return _mapped(value, self.unmask)

    def _replaced(self, text: str, kind: str, places: list[tuple[int, int]]) -> str:
        parts, end = [], 0
        for start, stop in places:
            parts += [text[end:start], self._stand_in(kind, text[start:stop])]
            end = stop
        return "".join([*parts, text[end:]])

    def _stand_in(self, kind: str, found: str) -> str:
        # What was found may hold stand-ins of other kinds.
        original = self.unmask(found)
        digest = blake2b(original.encode("utf-8", "surrogatepass"), key=self._salt).hexdigest()
        digits = _DIGITS
        while self._originals.setdefault(f"{STAND_IN}{kind}-{digest[:digits]}", original) != original:
            digits += 1
        return f"{STAND_IN}{kind}-{digest[:digits]}"


def _mapped(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {name: _mapped(item, change) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(item, change) for item in value]
    return value
