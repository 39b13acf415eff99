"""The budget of the agents, divided down the tree: what a subtree leaves over goes back to its parent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil, isinf

from rclagent.agents.investigation import TraceInvestigation
from rclagent.agents.questions import Question
from rclagent.core.report import AgentReport
from rclagent.llm import Budget, Limits


class Purses:
    """What each agent may spend.

    Each trace has a share of the budget, and in it each subtree, by the number of its questions. What a
    subtree leaves over goes back when its topmost agent is done, and its parent may spend it.

    Args:
        budget: What may be spent in all.
        kept: What of it nobody but the synthesizer may spend.
        investigations: The trees of agents.
        questions: Who asks.
    """

    def __init__(
        self,
        budget: Budget,
        kept: Limits,
        investigations: Sequence[TraceInvestigation],
        questions: Iterable[Question],
    ) -> None:
        self._whole = budget
        self._purses: dict[str, Budget] = {}
        self._granted: dict[str, Budget] = {}
        own = Counter(question.agent_id for question in questions)
        trees = [_Tree(investigation, own) for investigation in investigations]
        roots = [(tree, root) for tree in trees for root in tree.roots if tree.needs[root]]
        if roots:
            shares = budget.split([tree.needs[root] for tree, root in roots], kept)
            for (tree, root), share in zip(roots, shares, strict=True):
                self._granted[root] = share
                self._divide(tree, root, share)

    def of(self, agent_id: str) -> Budget:
        """What an agent may spend; one that nobody planned for spends from the whole."""
        return self._purses.get(agent_id, self._whole)

    def done(self, agent_id: str) -> None:
        """Gives back what the subtree of an agent left over."""
        share = self._granted.pop(agent_id, None)
        if share is not None:
            share.release()

    def _divide(self, tree: _Tree, root: str, whole: Budget) -> None:
        ahead = [(root, whole)]
        while ahead:
            agent, budget = ahead.pop()
            if tree.own[agent]:
                self._purses[agent] = budget
            below = [child for child in tree.children.get(agent, ()) if tree.needs[child]]
            if len(below) == 1 and not tree.own[agent]:
                ahead.append((below[0], budget))
                continue
            shares = budget.split([tree.needs[child] for child in below], _own_part(tree, agent, budget))
            for child, share in zip(below, shares, strict=True):
                self._granted[child] = share
                ahead.append((child, share))


class _Tree:
    """Who is below whom in one trace, and how many questions each subtree has."""

    def __init__(self, investigation: TraceInvestigation, own: Counter[str]) -> None:
        self.own = own
        self.children = {
            result.agent_id: result.children
            for result in investigation.results
            if isinstance(result, AgentReport)
        }
        self.roots = tuple(report.agent_id for report in investigation.root_reports)
        self.needs: Counter[str] = Counter()
        # In span order everyone comes before those below: from the end, sums are complete.
        for result in reversed(investigation.results):
            below = self.children.get(result.agent_id, ())
            self.needs[result.agent_id] = own[result.agent_id] + sum(self.needs[child] for child in below)


def _own_part(tree: _Tree, agent: str, budget: Budget) -> Limits:
    """What an agent keeps for its own questions."""
    part = tree.own[agent] / tree.needs[agent]
    left = budget.left
    return Limits(
        calls=None if isinf(left.calls) else ceil(part * left.calls),
        tokens=None if isinf(left.tokens) else ceil(part * left.tokens),
        usd=part * left.usd if left.usd > 0 and not isinf(left.usd) else None,
    )
