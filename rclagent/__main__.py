"""``python -m rclagent``."""

from __future__ import annotations

from rclagent.cli import main

if __name__ == "__main__":
    main()
