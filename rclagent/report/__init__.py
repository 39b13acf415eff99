"""A diagnosis, and why it says what it says, as text, JSON or Markdown."""

from rclagent.report.json_report import render_json
from rclagent.report.markdown import render_explanation_markdown, render_markdown
from rclagent.report.text import render_explanation_text, render_text

__all__ = [
    "render_explanation_markdown",
    "render_explanation_text",
    "render_json",
    "render_markdown",
    "render_text",
]
