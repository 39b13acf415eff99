"""Prompt templates: Markdown files with ``$name`` placeholders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Template
from types import MappingProxyType
from typing import Final

from rclagent.errors import InputError

PACKAGE: Final = "rclagent.prompts"
"""Where the templates lie."""
_COMMENT: Final = re.compile(r"\A<!--.*?-->\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A template, and the variables that it needs."""

    name: str
    """Name of its file, without the ending."""
    text: str
    """With placeholders, without the comment on top."""

    @property
    def variables(self) -> frozenset[str]:
        """Names of its placeholders."""
        return frozenset(Template(self.text).get_identifiers())

    def render(self, values: Mapping[str, str] = MappingProxyType({})) -> str:
        """The text with values in place of its placeholders; placeholders within values stay as they are.

        Raises:
            InputError: A variable is missing, or a value is for none.
        """
        missing, unknown = self.variables - values.keys(), values.keys() - self.variables
        if missing or unknown:
            raise InputError(
                f"The values do not fit the prompt {self.name!r}: missing {sorted(missing)}, "
                f"unknown {sorted(unknown)}.",
                f"Its variables are {sorted(self.variables)}.",
            )
        return Template(self.text).substitute(values)


@cache
def load_prompt(name: str) -> Prompt:
    """A template of ours.

    Raises:
        InputError: There is none of that name, or a placeholder in it is malformed.
    """
    known = sorted(
        entry.name.removesuffix(".md") for entry in files(PACKAGE).iterdir() if entry.name.endswith(".md")
    )
    if name not in known:
        raise InputError(f"There is no prompt {name!r}.", f"Prompts: {', '.join(known)}.")
    text = files(PACKAGE).joinpath(f"{name}.md").read_text(encoding="utf-8")
    prompt = Prompt(name, _COMMENT.sub("", text, count=1).rstrip() + "\n")
    if not Template(prompt.text).is_valid():
        raise InputError(
            f"The prompt {name!r} has a malformed placeholder.", "Write $name, and $$ for a dollar."
        )
    return prompt
