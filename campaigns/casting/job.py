"""What the pool runs to have personas written: orders in, `CastingResult`s out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.llm import RoleModel, close_line, refuse_failing
from agents.pack import load_pack
from domain.base import Noun, canonical_json
from domain.call import Role
from domain.cast import CastingOrder
from domain.settings import RoleSettings
from engine.job import Done
from graphs.casting import CastingContext, write_persona

if TYPE_CHECKING:
    from domain.journal import Journal

WRITTEN, REFUSED = "written", "refused"
WHERE = "roles.caster"


class CastingOrders(Noun):
    """What a worker is told."""

    caster: RoleSettings
    pack: str


class CastingJob:
    """Has personas written; see `engine.job.Job`."""

    def __init__(self, orders: CastingOrders, journal: Journal) -> None:
        self._caster = orders.caster
        self._context = CastingContext(
            pack=load_pack(orders.pack),
            caster=RoleModel(Role.CASTER, orders.caster, journal),
        )

    async def run(self, item: bytes) -> Done:
        """Have one persona written; return the result as canonical JSON.

        Raises:
            EndpointError: The endpoint cannot be used at all, or no longer.
        """
        result = await write_persona(CastingOrder.model_validate_json(item), self._context)
        outcome, _, detail = result.why.partition(": ")
        await refuse_failing(self._caster, WHERE, outcome, detail)
        return Done(canonical_json(result), REFUSED if result.why else WRITTEN)

    async def aclose(self) -> None:
        """Close the connections to the endpoint."""
        await close_line()


def open_casting(payload: bytes, journal: Journal) -> CastingJob:
    """Build the job from its orders; the factory that is given to the pool.

    Raises:
        PackError: The pack cannot be read here.
    """
    return CastingJob(CastingOrders.model_validate_json(payload), journal)
