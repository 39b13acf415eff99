"""The errors raised on purpose."""

from __future__ import annotations

import inspect
import pickle

import pytest

from rclagent import errors
from rclagent.errors import ModelError, RclError, TransientModelError, UnsupportedFeature

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, RclError)]


@pytest.mark.parametrize("kind", KINDS)
def test_each_stands_in_the_tree_below_its_base(kind: type[RclError]) -> None:
    """Drawn at the top of the module, one step to the right of what it derives from."""
    lines = [line for line in (errors.__doc__ or "").splitlines()[1:] if line]
    drawn = {line.strip("|+- ").split()[0]: line.index(line.strip("|+- ")) for line in lines}
    bases = [base.__name__ for base in kind.__bases__ if base is not Exception]
    assert [drawn[base] + len("+-- ") for base in bases] == [drawn[kind.__name__]] * len(bases)


@pytest.mark.parametrize("kind", KINDS)
def test_each_survives_the_way_between_processes(kind: type[RclError]) -> None:
    """With its problem and its remedy."""
    copy = pickle.loads(pickle.dumps(kind("problem.", "remedy.")))
    assert type(copy) is kind
    assert str(copy) == "problem. remedy."


@pytest.mark.parametrize(
    "error",
    [
        ModelError("a", "b", status=400, maybe_billed=True),
        TransientModelError("a", "b", status=429, retry_after_s=2.5),
        UnsupportedFeature("a", "b", feature="tools"),
    ],
)
def test_what_errors_of_models_carry_survives_too(error: ModelError) -> None:
    """Status, cost, time and feature."""
    assert vars(pickle.loads(pickle.dumps(error))) == vars(error)
