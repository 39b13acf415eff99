"""Loads and renders prompts, and makes telemetry fit to stand in them."""

from rclagent.prompting.data_block import data_block, escaped_json, fitting
from rclagent.prompting.prompt import Prompt, load_prompt
from rclagent.prompting.telemetry_text import shown_text

__all__ = ["Prompt", "data_block", "escaped_json", "fitting", "load_prompt", "shown_text"]
