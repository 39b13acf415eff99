"""What may not leave the machine: secrets and personal data, by their looks."""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

STAND_IN: Final = "masked-"
"""How stand-ins start; a value that starts so is masked already."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of sensitive text."""

    name: str
    """Lower-case word for it."""
    hints: tuple[str, ...]
    """Lower-case text without which there is none: most texts need no more than this look."""
    pattern: re.Pattern[str]
    """Finds it; its one group is what is sensitive, and the text around it may stay."""
    is_one: Callable[[str], bool] = bool
    """Tells a real one from its likes."""


def find(text: str, kind: Kind) -> list[tuple[int, int]]:
    """Places in a lower-case text where there is something of a kind: start and end of each."""
    if not any(hint in text for hint in kind.hints):
        return []
    return [match.span(1) for match in kind.pattern.finditer(text) if kind.is_one(match.group(1))]


def lower(text: str) -> str:
    """The text in lower case as far as it is ASCII, each character at its place."""
    return text.lower() if text.isascii() else text.translate(_LOWER)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _pattern(text: str) -> re.Pattern[str]:
    # Of lower-case letters only: case is dealt with once, which is much faster than by each pattern.
    return re.compile(text, re.VERBOSE)


_LOWER: Final = {ord(letter): letter.lower() for letter in string.ascii_uppercase}

# Every repetition is bounded and none stands in another that it could trade characters with: telemetry is
# hostile, and a pattern must not take long on any text.
_FREE: Final = rf"(?!{STAND_IN})"
_IS: Final = r"""\\?["']?\s{0,4}[:=]\s{0,4}\\?["']?"""
_VALUE: Final = r"""(?:[^\s"'`,;&<>(){}\[\]\\]|\\(?!["'])){1,512}"""

SECRETS: Final = (
    Kind(
        "key",
        ("private key-----",),
        _pattern(
            r"""(-----begin\ [a-z ]{0,40}private\ key-----
            (?:[\s\S]{0,20000}?-----end\ [a-z ]{0,40}private\ key-----|[\s\S]{0,20000}))"""
        ),
    ),
    Kind("cookie", ("cookie",), _pattern(rf"""cookie{_IS}({_FREE}[^\r\n"']{{1,4096}})""")),
    Kind(
        "token",
        ("bearer ", "basic "),
        _pattern(rf"\b(?:bearer|basic)\ {{1,4}}({_FREE}[\w+/.~-]{{8,4096}}=*)"),
    ),
    Kind("token", ("eyj",), _pattern(r"(?<![\w-])(eyj[\w-]{5,4096}\.[\w-]{5,4096}\.[\w-]{0,4096})")),
    Kind(
        "key",
        ("sk-", "sk_", "pk_", "rk_", "gh", "glpat-", "xox", "akia", "asia", "aiza", "hf_", "npm_", "sg."),
        _pattern(
            r"""(?<![\w-])(
            (?:sk|pk|rk)[-_][\w-]{16,256} | gh[pousr]_\w{20,256} | github_pat_\w{20,256} | glpat-[\w-]{16,256}
            | xox[a-z]-[\w-]{10,256} | (?:akia|asia)[a-z0-9]{16}(?!\w) | aiza[\w-]{30,64} | hf_\w{20,128}
            | npm_\w{30,64} | sg\.[\w-]{16,64}\.[\w-]{16,64})"""
        ),
    ),
    Kind("password", ("://",), _pattern(rf"""://[^\s:/@"']{{0,128}}:({_FREE}[^\s/@"']{{1,256}})@""")),
    Kind(
        "secret",
        ("pass", "pwd", "secret", "key", "token", "session", "credential"),
        _pattern(
            rf"""(?:password|passwd|passphrase|pwd|secret|api[-_]?key|access[-_]?key|private[-_]?key
            |auth[-_]?token|access[-_]?token|refresh[-_]?token|session[-_]?id|credentials?)
            {_IS}({_FREE}{_VALUE})"""
        ),
    ),
    # A token may also be a word of a grammar: only long ones with a digit are secret.
    Kind(
        "token",
        ("token", "signature"),
        _pattern(rf"(?:token|signature){_IS}({_FREE}(?=[^\s]{{0,64}}\d)[\w+/.=~%-]{{12,4096}})"),
    ),
    Kind(
        "email",
        ("@",),
        _pattern(r"(?<![\w.+%-])([\w.+%-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24})(?![\w-])"),
    ),
)
"""Keys, tokens, passwords and e-mail addresses; what holds another comes before it."""

ADDRESSES: Final = (
    Kind("ip", (".",), _pattern(r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(?!\w|\.\d)"), _is_address),
    Kind(
        "ip",
        (":",),
        _pattern(r"(?<![\w:.])([0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,8})(?![\w:])"),
        _is_address,
    ),
)
"""Addresses of machines; masked by choice only, as a diagnosis may need them."""
