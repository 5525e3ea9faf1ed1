"""What the pool runs to have twins read: one supervisor, one critique each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.acceptance import text_faults
from agents.llm import RoleModel, close_line
from agents.pack import load_pack
from agents.supervisor import criticise
from domain.base import Noun, canonical_json, seed_of
from domain.call import CallFailed, CallKey, Role
from domain.settings import RoleSettings
from evaluation.planted.twins import Twin

if TYPE_CHECKING:
    from agents.pack import Pack
    from domain.critique import CritiqueAnswer
    from domain.journal import Journal


class ReadOrders(Noun):
    """What a worker is told."""

    supervisor: RoleSettings
    pack: str
    seed: int


class Read(Noun):
    """What a supervisor found in a twin: kinds of flaw with their turns, gates that failed.

    `broken` are turns that fail by their text alone. `failure` says why there is no critique.
    """

    accepted: bool = False
    score: float = 0.0
    flaws: tuple[tuple[str, int], ...] = ()
    gates: tuple[str, ...] = ()
    broken: tuple[int, ...] = ()
    failure: str = ""


class ReadJob:
    """Reads twins; see `engine.job.Job`."""

    def __init__(self, orders: ReadOrders, journal: Journal) -> None:
        self._pack = load_pack(orders.pack)
        self._seed = orders.seed
        self._supervisor = RoleModel(Role.SUPERVISOR, orders.supervisor, journal)

    async def run(self, item: bytes) -> bytes:
        """Have one twin read; return `Read` as canonical JSON."""
        twin = Twin.model_validate_json(item)
        key = CallKey(session=twin.id, draft=0, step=0, attempt=0)
        try:
            critique = await criticise(
                self._supervisor,
                self._pack,
                twin.item,
                twin.turns,
                key,
                seed_of(self._seed, twin.item.session_id),
            )
        except CallFailed as failed:
            return canonical_json(Read(failure=str(failed)))
        answer = critique.answer
        found = Read(
            accepted=critique.accepted,
            score=critique.score,
            flaws=tuple((flaw.kind, flaw.turn) for flaw in answer.flaws),
            gates=failed_gates(answer, self._pack),
            broken=tuple(fault.turn for fault in text_faults(self._pack, twin.turns)),
        )
        return canonical_json(found)

    async def aclose(self) -> None:
        """Close the connections to the supervisor."""
        await close_line()


def failed_gates(answer: CritiqueAnswer, pack: Pack) -> tuple[str, ...]:
    """Return the gates that fail, and the groups they belong to."""
    failed = {gate.gate for gate in answer.gates if not gate.passed}
    named = ((gate.key, gate.group) for gate in pack.gates if gate.key in failed)
    return tuple(dict.fromkeys(name for pair in named for name in pair if name))


def open_reading(payload: bytes, journal: Journal) -> ReadJob:
    """Build the job from its orders; the factory that is given to the pool."""
    return ReadJob(ReadOrders.model_validate_json(payload), journal)
