"""The outer edge: runs a command and turns whatever ends it into one line and an exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

import typer

from rclagent.cli.app import app
from rclagent.cli.exit_code import ExitCode
from rclagent.errors import InputError, RclError

_MAX_MESSAGE = 2000


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits.

    Args:
        arguments: Without the program's name; by default those of the process.
    """
    sys.exit(run(list(sys.argv[1:] if arguments is None else arguments)))


def run(arguments: list[str]) -> int:
    """Runs one command; every error becomes a line on stderr, and a traceback only with ``--debug``.

    Returns:
        The exit code.
    """
    try:
        return int(app(arguments or ["--help"], prog_name="rclagent", standalone_mode=False) or ExitCode.DONE)
    except typer.TyperException as error:
        _complain(f"{error.format_message().rstrip('.')}.", "See rclagent --help.", arguments)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return ExitCode.INTERRUPTED
    except RclError as error:
        _complain(error.problem, error.remedy, arguments)
        return ExitCode.USAGE if isinstance(error, InputError) else ExitCode.FAILED
    except Exception as error:
        # The last place that can keep a traceback from the user.
        problem = f"Something went wrong inside the program ({type(error).__name__}: {error})."
        _complain(problem, "Run it again with --debug and report what it prints.", arguments)
        return ExitCode.FAILED


def _complain(problem: str, remedy: str, arguments: list[str]) -> None:
    from rclagent.report.escape import plain

    if "--debug" in arguments:
        traceback.print_exc()
    print(f"rclagent: {plain(f'{problem} {remedy}', _MAX_MESSAGE)}", file=sys.stderr)
