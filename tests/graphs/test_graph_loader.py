"""Graph definitions are found by name."""

from __future__ import annotations

import pytest

from rclagent.engine.graph_loader import load_graph
from rclagent.errors import InputError


def test_an_unknown_graph_names_the_known_ones() -> None:
    """The remedy is to choose one of them."""
    with pytest.raises(InputError) as caught:
        load_graph("serial")
    assert caught.value.problem == "There is no graph 'serial'."
    assert "parallel" in caught.value.remedy
