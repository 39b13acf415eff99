"""A diagnosis as text, JSON or Markdown."""

from rclagent.report.json_report import render_json
from rclagent.report.markdown import render_markdown
from rclagent.report.text import render_text

__all__ = ["render_json", "render_markdown", "render_text"]
