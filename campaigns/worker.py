"""What the pool runs for a campaign: sessions, with models and graphs built inside the worker."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from agents.llm import RoleModel, close_line, refuse_failing
from agents.pack import same_pack
from campaigns.fruitless import Fruitless
from campaigns.labels import label_of
from campaigns.telltale import reader_of
from domain.base import Noun, canonical_json
from domain.call import Role
from domain.scenario import PlanItem
from domain.settings import Settings
from engine.job import Done
from graphs.context import PlayContext
from graphs.refine import play_item

if TYPE_CHECKING:
    from domain.journal import Journal


YOUNG = 500_000
"""New objects after which Python looks for cycles among them. A session's calls make few, and what
the sessions in flight hold is looked through each time. More would save little, and let what failed
calls leave in cycles grow: 55 MB at a fifth of the calls failing."""


class SessionOrders(Noun):
    """What a worker is told: the run file, and the pack as the driver read it."""

    settings: Settings
    pack_hash: str
    run: str
    """The run's folder, as messages name it."""
    discriminator: str = ""
    """Its file in the run's folder, which every worker sees; "" for none."""
    discriminator_hash: str = ""


class SessionJob:
    """Plays and refines sessions; see `engine.job.Job`."""

    def __init__(self, orders: SessionOrders, journal: Journal) -> None:
        pack = same_pack(orders.settings.pack, orders.pack_hash)
        self._roles = roles = orders.settings.roles
        self._context = PlayContext(
            pack=pack,
            settings=orders.settings.campaign,
            client=RoleModel(Role.CLIENT, roles.client, journal),
            therapist=RoleModel(Role.THERAPIST, roles.therapist, journal),
            supervisor=RoleModel(Role.SUPERVISOR, roles.supervisor, journal),
            discriminator=reader_of(orders.discriminator, orders.discriminator_hash),
        )
        self._fruitless = Fruitless(orders.run)
        self._thresholds = _spare_collector()

    async def run(self, item: bytes) -> Done:
        """Play one plan item; return its session as canonical JSON, labelled for the tally.

        Raises:
            EndpointError: The session failed because its endpoint cannot be used at all, or no
                longer (gone, silent, quota, key, permission, model). The run should stop, and be
                resumed when that is mended, instead of losing every session.
        """
        session = await play_item(PlanItem.model_validate_json(item), self._context)
        stop = None
        if (failure := session.failure) is not None:
            settings, where = getattr(self._roles, failure.role), f"roles.{failure.role}"
            await refuse_failing(settings, where, failure.outcome, failure.detail)
            model: RoleModel = getattr(self._context, failure.role)
            stop = self._fruitless.after(failure, answered=model.answered)
        return Done(canonical_json(session), label_of(session), stop)

    async def aclose(self) -> None:
        """Close the connections to the endpoints, and leave the garbage collector as it was."""
        gc.freeze()  # what is new counts as old then, and is not looked through at once
        gc.unfreeze()
        gc.set_threshold(*self._thresholds)
        await close_line()


def _spare_collector() -> tuple[int, int, int]:
    """Keep the garbage collector from what stays: modules, pack, models; return its thresholds.

    Half a million objects of imported libraries were looked through again and again, at a tenth
    to a fifth of a campaign's CPU.
    """
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *thresholds[1:])
    return thresholds


def open_job(payload: bytes, journal: Journal) -> SessionJob:
    """Build the job from its orders; the factory that is given to the pool.

    Raises:
        PackError: The pack cannot be read here, or differs from the driver's.
    """
    return SessionJob(SessionOrders.model_validate_json(payload), journal)
