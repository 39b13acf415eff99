"""``rclagent explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import BaseModel, ValidationError

from rclagent.cli.exit_code import ExitCode
from rclagent.cli.options import Layout
from rclagent.cli.output import check_target, emit
from rclagent.core.diagnosis import SCHEMA_VERSION, Diagnosis
from rclagent.errors import FormatError, InputError
from rclagent.report import render_explanation_markdown, render_explanation_text, render_json
from rclagent.report.explanation import explain
from rclagent.telemetry.source import open_sources
from rclagent.telemetry.tally import Tally

_RENDERERS: Final = {
    Layout.TEXT: render_explanation_text,
    Layout.JSON: render_json,
    Layout.MD: render_explanation_markdown,
}
_REMEDY: Final = "Give what `rclagent diagnose -o json` wrote."


class _Layout(BaseModel):
    """The part of a diagnosis that says how to read the rest."""

    schema_version: str


def run_explain(path: str, *, service: str | None, layout: Layout, out: Path | None) -> int:
    """Explains a saved diagnosis.

    Returns:
        The exit code.

    Raises:
        InputError: No diagnosis, one of another version, or a service whose name is misspelt.
    """
    if service is not None and not service.strip():
        raise InputError("--service names nothing.", "Name a service, or leave the option out.")
    check_target(out)
    explanation = explain(_read(path), service)
    emit(_RENDERERS[layout](explanation), out, utf8=layout is not Layout.TEXT)
    return ExitCode.DONE


def _read(path: str) -> Diagnosis:
    if Path(path).is_dir():
        raise InputError(f"{path!r} is a folder, not a diagnosis.", _REMEDY)
    (source,) = open_sources([path])
    content = source.read(Tally())
    try:
        version = _Layout.model_validate_json(content).schema_version
        if version.partition(".")[0] != SCHEMA_VERSION.partition(".")[0]:
            raise FormatError(
                f"{source.name!r} has schema_version {version!r}; this program reads {SCHEMA_VERSION}.",
                "Diagnose the incident again, or use the program that wrote it.",
            )
        return Diagnosis.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise FormatError(
            f"{source.name!r} is no diagnosis: {place + ': ' if place else ''}{first['msg']}.", _REMEDY
        ) from error
