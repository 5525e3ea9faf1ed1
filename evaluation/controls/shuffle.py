"""Answers dealt out to scenarios that they were not given to."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

from domain.base import seed_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.record import HeldOutContext
    from domain.verdict import Answer


def shuffled(
    contexts: Sequence[HeldOutContext], answers: Sequence[Answer], seed: int
) -> list[Answer]:
    """Give every answer to a scenario of another session.

    Sessions are put in a drawn order, and answers are moved on by as many places as the largest
    session has. Where one session holds more than half of the scenarios, those that would get an
    answer of their own session get none.
    """
    groups = {context.id: context.group for context in contexts}
    names = sorted({groups[one.scenario_id] for one in answers})
    random.Random(seed_of(seed, "shuffle")).shuffle(names)
    place = {name: number for number, name in enumerate(names)}
    dealt = sorted(answers, key=lambda one: (place[groups[one.scenario_id]], one.scenario_id))
    step = max(Counter(groups[one.scenario_id] for one in answers).values(), default=0)
    pairs = [(own, dealt[(number + step) % len(dealt)]) for number, own in enumerate(dealt)]
    return [
        other.model_copy(update={"scenario_id": own.scenario_id})
        for own, other in pairs
        if groups[own.scenario_id] != groups[other.scenario_id]
    ]
