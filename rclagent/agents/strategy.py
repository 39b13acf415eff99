"""How a language model goes about an incident."""

from __future__ import annotations

from enum import StrEnum


class Strategy(StrEnum):
    """Who asks the model."""

    PARALLEL = "parallel"
    """The Dedicated Agents of all spans, side by side, and the synthesizer (RCLAgent)."""
    RECURSION_OF_THOUGHT = "recursion-of-thought"
    """A single agent that descends a trace step by step, in the protocol that ThinkFL's models speak."""
