"""Cases are ruled on blind: what the pool runs, in bundles, and what a worker is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agents.criteria import Criterion
from agents.llm import RoleModel, close_line
from agents.pack import same_pack
from domain.base import Noun, canonical_json
from domain.call import Role
from domain.case import Case, Ruling, Subject
from domain.settings import RoleSettings
from evaluation.trust import require_trust
from graphs.context import JudgeContext
from graphs.judging import judge_cases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.journal import Journal


class JudgeOrders(Noun):
    """What a worker is told."""

    judges: tuple[RoleSettings, ...]
    """The panel; where it stands in the run file is `where`, place by place."""
    where: tuple[str, ...]
    pack: str
    pack_hash: str
    criteria: dict[str, Criterion]
    """The pack's and the run's own, by key: workers read no files for them."""
    seed: int


class Asked(NamedTuple):
    """One case of a bundle."""

    subject: int
    """Place among the bundle's subjects."""
    criterion: str
    judge: int
    sample: int


class Bundle(Noun):
    """Cases that are ruled on together; a subject stands in it once, however often it is judged."""

    subjects: tuple[Subject, ...]
    asked: tuple[Asked, ...]

    @classmethod
    def of(cls, cases: Sequence[Case]) -> Bundle:
        """Put cases together."""
        subjects = list({id(case.subject): case.subject for case in cases}.values())
        places = {id(subject): place for place, subject in enumerate(subjects)}
        asked = (
            Asked(places[id(one.subject)], one.criterion, one.judge, one.sample) for one in cases
        )
        return cls(subjects=tuple(subjects), asked=tuple(asked))

    def cases(self) -> list[Case]:
        """Take it apart."""
        return [
            Case.model_construct(
                subject=self.subjects[one.subject],
                criterion=one.criterion,
                judge=one.judge,
                sample=one.sample,
            )
            for one in self.asked
        ]


class Rulings(Noun):
    """What came of a bundle, in the order of its cases."""

    rulings: tuple[Ruling, ...]


class JudgeJob:
    """Rules on bundles of cases; see `engine.job.Job`."""

    def __init__(self, orders: JudgeOrders, journal: Journal) -> None:
        pack = same_pack(orders.pack, orders.pack_hash)
        self._orders = orders
        self._context = JudgeContext(
            pack=pack,
            criteria=orders.criteria,
            judges=tuple(RoleModel(Role.JUDGE, one, journal) for one in orders.judges),
            seed=orders.seed,
        )

    async def run(self, item: bytes) -> bytes:
        """Rule on a bundle; return `Rulings` as canonical JSON.

        Raises:
            TrustError: A scenario is real and a judge is not trusted with it.
        """
        cases = Bundle.model_validate_json(item).cases()
        for place in {case.judge for case in cases}:
            shown = (case.subject for case in cases if case.judge == place)
            require_trust(shown, self._orders.judges[place], self._orders.where[place])
        return canonical_json(Rulings(rulings=await judge_cases(cases, self._context)))

    async def aclose(self) -> None:
        """Close the connections to the judges."""
        await close_line()


def open_judging(payload: bytes, journal: Journal) -> JudgeJob:
    """Build the job from its orders; the factory that is given to the pool.

    Raises:
        PackError: The pack cannot be read here, or differs from the driver's.
    """
    return JudgeJob(JudgeOrders.model_validate_json(payload), journal)
