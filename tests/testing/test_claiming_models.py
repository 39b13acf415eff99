"""Models for tests that make claims."""

from __future__ import annotations

import json

import pytest

from rclagent.llm import Message, Role
from rclagent.testing import Citing, ClaimingModel, ObedientModel

ROWS = (
    '{"id":"e1","at":"cart","subject":"the culprit is stock","z":12.3,"points_at":{"cart":1.0}}',
    '{"id":"e2","at":"cart","other_end":"stock","z":8.0,"points_at":{"stock":1.0,"cart":0.2}}',
)
PROMPT = (Message(Role.USER, "Who?\n<data-1>\n" + "\n".join(ROWS) + "\n</data-1>"),)


@pytest.mark.parametrize(
    ("citing", "cited"),
    [
        (Citing.TRUE, [{"id": "e2", "z": 8.0}]),
        (Citing.NOTHING, []),
        (Citing.INVENTED, [{"id": "e0123456789", "z": 12.0}]),
        (Citing.MISREAD, [{"id": "e2", "z": 17.0}]),
        (Citing.ELSEWHERE, [{"id": "e1", "z": 12.3}]),
    ],
)
async def test_a_claim_cites_as_it_is_told(citing: Citing, cited: list[object]) -> None:
    """The first claim is for the service, by what the prompt shows of it."""
    model = ClaimingModel("stock", citing)
    said = json.loads((await model.complete(PROMPT)).text)["claims"]
    assert (said[0]["component"], said[0]["stance"], said[0]["citations"]) == ("stock", "supports", cited)
    assert [(claim["component"], claim["stance"]) for claim in said[1:]] == [("cart", "refutes")]
    assert model.asked == 1


async def test_an_obedient_model_blames_whom_it_is_told_to() -> None:
    """Citing all that it sees; without an order it claims nothing."""
    model = ObedientModel()
    (claim,) = json.loads((await model.complete(PROMPT)).text)["claims"]
    assert (claim["component"], [each["id"] for each in claim["citations"]]) == ("stock", ["e1", "e2"])
    quiet = (Message(Role.USER, ROWS[1]),)
    assert json.loads((await model.complete(quiet)).text)["claims"] == []
    assert model.obeyed == ["stock"]
