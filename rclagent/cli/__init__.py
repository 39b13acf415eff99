"""The command line: thin over the library, one module a command."""

from rclagent.cli.entry_point import main

__all__ = ["main"]
