"""Plays a campaign to its end, or on from where it was stopped, and exports its sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from campaigns.manifest import write_atomically
from campaigns.nextround import campaign_coverage, next_round
from campaigns.opening import open_campaign
from campaigns.rounds import close_round
from campaigns.spending import spent_on_casting, with_casting
from campaigns.summary import CampaignSummary, summarise
from campaigns.worker import SessionOrders, open_job
from corpus.synthetic import Making, write_synthetic
from domain.base import canonical_json
from domain.errors import StoreError
from engine import pool
from engine.bench import interrupted
from engine.clock import RunClock
from engine.ledger.store import Store
from engine.lock import RunLock
from engine.spending.prices import require_prices, tariff

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.pack import Pack
    from campaigns.opening import Opening
    from campaigns.planfile import PlanLines
    from domain.progress import Progress
    from domain.runfolder import RunFolder
    from domain.settings import Settings


def run_campaign(
    settings: Settings,
    folder: RunFolder,
    progress: Progress,
    *,
    resume: bool = False,
    accepted: Callable[[], None] = lambda: None,
) -> CampaignSummary:
    """Play every session of the plan and write `sessions.jsonl`, round by round.

    The same seed, config, pack and answers give the same bytes, whatever the engine, and however
    often the run was stopped and resumed.

    Args:
        settings: The run file; `understudy` addresses have been replaced by the caller.
        folder: The run's folder.
        progress: Told of each finished session.
        resume: Whether to continue a campaign that is there already. Sessions that were given up
            because nobody answered are played again.
        accepted: Called when nothing stands in the way any more, before anything is written; what
            it raises stops the run.

    Returns:
        What came out of it.

    Raises:
        ConfigError: A campaign of this name exists and `resume` is false, or the reverse.
        ConfigError: The budget is in dollars and a model has no price.
        ResumeRefusedError: Config, pack or plan have changed since it was begun.
        EndpointError: An endpoint cannot be used. Before the first call nothing is written, and a
            plain run works again; later on the run can be resumed.
        BudgetReachedError, InterruptedRunError: Stopped; can be resumed.
        StoreError: Another process writes to the run, or the ledger cannot be used.
    """
    require_prices(settings)
    with RunLock(folder.lock) as lock:
        clock = RunClock()
        opening = open_campaign(
            settings, folder, progress, lock, clock, resume=resume, accepted=accepted
        )
        plan, again = opening.plan, opening.again
        while True:
            played = _play(settings, opening, folder, plan, progress, clock, again)
            if played.interrupted and settings.campaign.casting.refill:
                raise interrupted()
            more = next_round(settings, opening.pack, folder, plan, opening.store, progress, clock)
            if more is None:
                break
            plan, again = more, frozenset()
        summary = with_casting(export(folder, plan), folder)
        table = campaign_coverage(folder, settings.campaign.sessions, opening.store)
        write_atomically(folder.coverage, canonical_json(table))
        hand_over(settings, opening.pack, folder)
        close_round(settings, folder)
        return summary


def _orders(settings: Settings, opening: Opening, folder: RunFolder) -> SessionOrders:
    """Return what a worker is told."""
    found = opening.manifest.discriminator_hash
    return SessionOrders(
        settings=settings,
        pack_hash=opening.pack.hash,
        run=str(folder.root),
        discriminator=str(folder.earlier_discriminator.resolve()) if found else "",
        discriminator_hash=found,
    )


def _play(
    settings: Settings,
    opening: Opening,
    folder: RunFolder,
    plan: PlanLines,
    progress: Progress,
    clock: RunClock,
    again: frozenset[str],
) -> pool.PoolSummary:
    """Play what of the plan has not been played, and what is to be played again."""
    return pool.run_all(
        open_job,
        canonical_json(_orders(settings, opening, folder)),
        plan.items(),
        folder.ledger,
        settings.engine,
        settings.campaign.budget,
        opening.manifest.run_hash,
        progress,
        variables=sorted({role.api_key_env for _, role in settings.roles}),
        again=again,
        prices=tariff(settings),
        live=folder.live,
        cancel=folder.cancel,
        elsewhere=spent_on_casting(folder, tariff(settings)),
        passed_s=clock.passed_s,
    )


def prewarm(settings: Settings) -> None:
    """Start Ray and its workers before the campaign needs them; returns at once."""
    pool.prewarm(settings.engine, open_job)


def export(folder: RunFolder, plan: PlanLines) -> CampaignSummary:
    """Write `sessions.jsonl` from the ledger, in plan order, and sum the campaign up.

    Raises:
        StoreError: A session of the plan has no result, or the file cannot be written.
    """
    store = Store(folder.ledger)
    finished = store.finished()
    missing = [name for name in plan.names if name not in finished]
    if missing:
        raise StoreError(
            "the campaign has not been played to its end",
            where=str(folder.ledger),
            expected=f"{len(plan.names)} sessions",
            got=f"{len(missing)} missing, e.g. {missing[0]}",
            mend="Run `rehearsal campaign resume`.",
        )
    results = store.iter_results(plan.names)
    write_atomically(folder.sessions, (data + b"\n" for _, data in results))
    with folder.sessions.open("rb") as lines:
        return summarise(len(plan.names), lines, store.totals())


def hand_over(settings: Settings, pack: Pack, folder: RunFolder) -> int:
    """Write the accepted sessions into the corpus as records; return how many there are.

    Raises:
        StoreError: A file cannot be read or written.
    """
    making = Making(
        campaign=settings.name,
        model=settings.roles.therapist.model,
        prompts_hash=pack.hash,
        config_hash=settings.campaign_hash(),
        seed=settings.seed,
    )
    return write_synthetic(folder, making)


def cast_only(
    settings: Settings, folder: RunFolder, progress: Progress, accepted: Callable[[], None]
) -> PlanLines:
    """Begin a campaign with its cast, and play nothing yet: `campaign resume` plays it.

    Raises:
        ConfigError, EndpointError, BudgetReachedError, StoreError: As `run_campaign`.
    """
    require_prices(settings)
    with RunLock(folder.lock) as lock:
        opening = open_campaign(
            settings,
            folder,
            progress,
            lock,
            RunClock(),
            resume=False,
            accepted=accepted,
            play=False,
        )
        return opening.plan
