"""The model that looks informed and knows nothing."""

from __future__ import annotations

import json
from collections import Counter

from rclagent.llm import Message, Role
from rclagent.testing import RandomCitingModel
from rclagent.testing.claiming_models import bearing_out, data_rows

ROWS = (
    '{"id":"e1","at":"cart","z":12.3,"points_at":{"cart":1.0}}',
    '{"id":"e2","at":"cart","other_end":"stock","z":8.0,"points_at":{"stock":1.0,"cart":0.2}}',
    '{"id":"e3","at":"paint","z":3.0,"points_at":{}}',
)
PROMPT = (Message(Role.USER, "Who?\n<data-1>\n" + "\n".join(ROWS) + "\n</data-1>"),)


def test_observations_bear_out_what_they_point_at_and_refute_where_they_are_seen() -> None:
    """By hand: e2 is stock's, seen at cart too; e3 is nobody's."""
    shown = list(data_rows(PROMPT))
    claims = [("stock", "supports"), ("cart", "supports"), ("cart", "refutes"), ("stock", "refutes")]
    found = [[row["id"] for row in bearing_out(shown, *claim)] for claim in claims]
    assert found == [["e2"], ["e1"], ["e2"], []]


async def test_every_claim_is_borne_out_and_each_comes_up() -> None:
    """Cart half of the time, half of it refuted; stock, which nothing refutes, only supported."""
    said: Counter[tuple[str, str, str]] = Counter()
    for seed in range(200):
        (claim,) = json.loads((await RandomCitingModel(seed).complete(PROMPT)).text)["claims"]
        (cited,) = claim["citations"]
        assert cited["z"] == {"e1": 12.3, "e2": 8.0}[cited["id"]]
        said[claim["component"], claim["stance"], cited["id"]] += 1
    assert set(said) == {
        ("cart", "supports", "e1"), ("cart", "refutes", "e2"), ("stock", "supports", "e2"),
    }  # fmt: skip
    assert 75 <= said["stock", "supports", "e2"] <= 125
    assert 30 <= said["cart", "refutes", "e2"] <= 70


async def test_it_says_the_same_to_the_same_request_and_nothing_of_nothing() -> None:
    """Whatever was asked before."""
    model = RandomCitingModel(3)
    first = await model.complete(PROMPT)
    nothing = await model.complete((Message(Role.USER, "Hello"),))
    assert json.loads(nothing.text)["claims"] == []
    assert await model.complete(PROMPT) == first
    assert model.asked == 3
