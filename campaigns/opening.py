"""How a campaign begins or goes on: what must hold first, who is cast, and what is written down."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.llm import check_endpoint, close_line
from agents.pack import load_pack
from campaigns.again import to_play_again
from campaigns.begun import plan_to_resume
from campaigns.castfile import cast_lines, write_cast
from campaigns.manifest import admit, begin, begin_casting, manifest_of
from campaigns.plan import cast_campaign
from campaigns.planfile import PlanLines, lines_of
from campaigns.refillfile import mend_refills
from campaigns.spending import spent_on_casting
from campaigns.telltale import hash_of, keep_discriminator
from campaigns.troupe import write_troupe
from domain.cast import MadeBy, Making
from engine import pool
from engine.ledger.shards import require_database
from engine.ledger.store import Store
from engine.spending.budget import NOTHING, limits_of, refuse_spent
from engine.spending.prices import CASTER, PLAYERS, tariff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from agents.pack import Pack
    from campaigns.manifest import Manifest
    from domain.progress import Progress
    from domain.runfolder import RunFolder
    from domain.scenario import PlanItem
    from domain.settings import Settings
    from engine.clock import RunClock
    from engine.lock import RunLock


_CASTING = "cast and plan"
_TOLD_EVERY = 1000


@dataclass(frozen=True)
class Opening:
    """A campaign that may be played."""

    pack: Pack
    manifest: Manifest
    plan: PlanLines
    store: Store
    again: frozenset[str]
    """Sessions that are played again although they have a result."""


def open_campaign(
    settings: Settings,
    folder: RunFolder,
    progress: Progress,
    lock: RunLock,
    clock: RunClock,
    *,
    resume: bool,
    accepted: Callable[[], None],
    play: bool = True,
) -> Opening:
    """Begin a campaign, or see that it may go on; cast it where it is not cast yet.

    The caller holds the run's lock. `play` says whether sessions are to follow; a campaign that is
    only cast needs no endpoint but the caster's. See `campaigns.run.run_campaign` for the rest.
    """
    try:
        folder.cancel.unlink(missing_ok=True)  # meant for an earlier run
        pack = load_pack(settings.pack)
        plan = _plan(settings, pack, folder, progress, resume=resume)
        dealt = "" if plan is None else plan.first(settings.campaign.sessions).hash
        read_by = hash_of(settings, folder)
        admit(folder, manifest_of(settings, pack, dealt, read_by), resume=resume)
        store = Store(folder.ledger)
        again = to_play_again(store)
        unplayed = plan is None or not store.finished().issuperset(plan.names)
        if plan is None or (play and (again or unplayed)):
            _make_ready(settings, folder, store, progress, play=play, cast=plan is None)
        accepted()
    except BaseException:  # Ctrl-C too: what has not begun leaves no lock file behind
        lock.undo()
        raise
    # Only now: a run that never got as far as its endpoints has not used up its name.
    made: dict[int, Making] = {}
    usual = Making(made_by=MadeBy.BROUGHT if settings.campaign.cast else MadeBy.GRAMMAR)
    if plan is None:
        begin_casting(folder, manifest_of(settings, pack, "", read_by))
        plan, made = write_troupe(settings, pack, folder, store, progress, clock)
    if not folder.cast.is_file():
        write_cast(folder.cast, cast_lines(plan.lines, made, usual))
    dealt = plan.first(settings.campaign.sessions).hash
    manifest = manifest_of(settings, pack, dealt, read_by)
    begin(folder, manifest, plan)
    mend_refills(folder, settings.campaign.sessions, plan)
    keep_discriminator(settings, folder)
    return Opening(pack, manifest, plan, store, again)


def _plan(
    settings: Settings, pack: Pack, folder: RunFolder, progress: Progress, *, resume: bool
) -> PlanLines | None:
    """Return the plan, as it was written where it goes on; None where a model is yet to write it.

    A plan that is brought along is read again, so that a change in it is noticed.
    """
    written = plan_to_resume(folder) if resume else None
    if settings.campaign.cast is None and written is not None:
        return written
    if settings.campaign.cast is None and settings.campaign.casting.by == "model":
        return None
    plan = lines_of(_told(cast_campaign(settings, pack), settings.campaign.sessions, progress))
    return plan if written is None else plan.and_then(written.after(len(plan.lines)))


def _told(plan: Iterable[PlanItem], count: int, progress: Progress) -> Iterator[PlanItem]:
    """Pass the plan on, and say now and then how far it is: 100,000 take half a minute."""
    progress(_CASTING, 0, count)
    for number, item in enumerate(plan, 1):
        yield item
        if number % _TOLD_EVERY == 0 and number < count:
            progress(_CASTING, number, count)
    progress(_CASTING, count, count)


def _make_ready(
    settings: Settings,
    folder: RunFolder,
    store: Store,
    progress: Progress,
    *,
    play: bool,
    cast: bool,
) -> None:
    """See that a budget is left, that the endpoints answer and that the engine runs.

    Raises:
        BudgetReachedError: The whole budget is spent.
        EndpointError: An endpoint cannot be used.
        StoreError: The ledger's database does not answer.
        RehearsalError: Ray cannot be started.
    """
    refuse_overdrawn(settings, folder, store)
    require_database(folder.ledger, settings.engine.store)
    asked = {*(PLAYERS if play else ()), *((CASTER,) if cast else ())}
    asyncio.run(_check_endpoints(settings, asked))
    if play:
        pool.ready(settings.engine, progress)


def refuse_overdrawn(settings: Settings, folder: RunFolder, store: Store) -> None:
    """Refuse a budget of which nothing is left.

    Raises:
        BudgetReachedError: The run has spent it, on casting or on sessions.
    """
    prices = tariff(settings)
    spent = store.spent(prices) + spent_on_casting(folder, prices)
    if spent != NOTHING:
        refuse_spent(limits_of(settings.campaign.budget), spent)


async def _check_endpoints(settings: Settings, names: set[str]) -> None:
    """Ask each endpoint once, before anything is spent."""
    asked = set()
    try:
        for name, role in settings.roles:
            place = (role.base_url, role.api_key_env, role.model)
            if name in names and place not in asked:
                asked.add(place)
                await check_endpoint(role, where=f"roles.{name}")
    finally:
        await close_line()
