"""Every answer is judged blind: what the pool runs, and how verdicts come back to variants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.llm import RoleModel, close_line
from agents.pack import load_pack
from domain.base import Noun, canonical_json
from domain.call import Role
from domain.errors import PackError
from domain.record import HeldOutContext
from domain.settings import RoleSettings
from domain.verdict import Answer, Verdict
from evaluation.trust import require_trust
from graphs.context import JudgeContext
from graphs.judging import judge_answer

if TYPE_CHECKING:
    from domain.call import Journal

BLIND = "-"
"""The variant's name in what the judge's workers are given: they do not know who answered."""


class JudgeOrders(Noun):
    """What a worker is told."""

    judge: RoleSettings
    pack: str
    pack_hash: str
    criteria: tuple[str, ...]
    seed: int


class JudgeItem(Noun):
    """One reply to one scenario; equal replies of two variants are one item."""

    context: HeldOutContext
    text: str

    @property
    def answer(self) -> Answer:
        """The reply without its author."""
        return Answer(scenario_id=self.context.id, variant=BLIND, text=self.text, call="")


class Verdicts(Noun):
    """What came of one item: a verdict per criterion, in their order."""

    verdicts: tuple[Verdict, ...]


class JudgeJob:
    """Rates replies; see `engine.job.Job`."""

    def __init__(self, orders: JudgeOrders, journal: Journal) -> None:
        pack = load_pack(orders.pack)
        if pack.hash != orders.pack_hash:
            raise PackError(
                "the worker sees another pack than the driver",
                where=str(pack.root),
                expected=f"the pack with hash {orders.pack_hash[:16]}…",
                got=f"one with hash {pack.hash[:16]}…",
                mend="Install the same version everywhere, and leave the pack alone during a run.",
            )
        self._orders = orders
        self._context = JudgeContext(
            pack=pack,
            criteria=orders.criteria,
            judge=RoleModel(Role.JUDGE, orders.judge, journal),
            seed=orders.seed,
        )

    async def run(self, item: bytes) -> bytes:
        """Judge one reply on every criterion; return `Verdicts` as canonical JSON.

        Raises:
            TrustError: The scenario is real and the judge is not trusted with it.
        """
        judged = JudgeItem.model_validate_json(item)
        require_trust((judged.context,), self._orders.judge, "roles.judge")
        verdicts = await judge_answer(judged.context, judged.answer, self._context)
        return canonical_json(Verdicts(verdicts=verdicts))

    async def aclose(self) -> None:
        """Close the connections to the judge."""
        await close_line()


def open_judging(payload: bytes, journal: Journal) -> JudgeJob:
    """Build the job from its orders; the factory that is given to the pool.

    Raises:
        PackError: The pack cannot be read here, or differs from the driver's.
    """
    return JudgeJob(JudgeOrders.model_validate_json(payload), journal)
