"""Plays a campaign to its end, or on from where it was stopped, and exports its sessions."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agents.llm import check_endpoint, close_line
from agents.pack import load_pack
from campaigns.again import to_play_again
from campaigns.manifest import admit, begin, manifest_of, write_atomically
from campaigns.plan import plan_campaign
from campaigns.planfile import PlanLines, lines_of, read_lines
from campaigns.rounds import close_round
from campaigns.summary import CampaignSummary, summarise
from campaigns.telltale import hash_of, keep_discriminator
from campaigns.worker import Orders, open_job
from corpus.synthetic import Making, write_synthetic
from domain.base import canonical_json
from domain.errors import StoreError
from engine import pool
from engine.ledger.store import Store
from engine.lock import RunLock
from engine.spending.budget import NOTHING, limits_of, refuse_spent
from engine.spending.prices import require_prices, tariff

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.pack import Pack
    from campaigns.manifest import Manifest
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
    """Play every session of the plan and write `sessions.jsonl`.

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
        try:
            folder.cancel.unlink(missing_ok=True)  # meant for an earlier run
            pack = load_pack(settings.pack)
            plan = _plan(settings, pack, folder, resume=resume)
            manifest = manifest_of(settings, pack, plan.hash, hash_of(settings, folder))
            admit(folder, manifest, resume=resume)
            store = Store(folder.ledger)
            again = to_play_again(store)
            if again or not store.finished().issuperset(plan.names):
                _make_ready(settings, store, progress)
            accepted()
        except BaseException:
            lock.undo()
            raise
        # Only now: a run that never got as far as its endpoints has not used up its name.
        begin(folder, manifest, plan)
        keep_discriminator(settings, folder)
        pool.run_all(
            open_job,
            canonical_json(_orders(settings, pack, folder, manifest)),
            plan.items(),
            folder.ledger,
            settings.engine,
            settings.campaign.budget,
            manifest.run_hash,
            progress,
            variables=sorted({role.api_key_env for _, role in settings.roles}),
            again=again,
            prices=tariff(settings),
            live=folder.live,
            cancel=folder.cancel,
        )
        summary = export(folder, plan)
        hand_over(settings, pack, folder)
        close_round(settings, folder)
        return summary


def _orders(settings: Settings, pack: Pack, folder: RunFolder, manifest: Manifest) -> Orders:
    """Return what a worker is told."""
    found = manifest.discriminator_hash
    return Orders(
        settings=settings,
        pack_hash=pack.hash,
        discriminator=str(folder.earlier_discriminator.resolve()) if found else "",
        discriminator_hash=found,
    )


def _plan(settings: Settings, pack: Pack, folder: RunFolder, *, resume: bool) -> PlanLines:
    """Return the plan: the one that was written when it goes on, unless it is brought along."""
    if resume and settings.campaign.cast is None and folder.plan.is_file():
        return read_lines(folder.plan)
    return lines_of(plan_campaign(settings, pack))


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


def _make_ready(settings: Settings, store: Store, progress: Progress) -> None:
    """See that a budget is left, that the endpoints answer and that the engine runs.

    Raises:
        BudgetReachedError: The whole budget is spent.
        EndpointError: An endpoint cannot be used.
        RehearsalError: Ray cannot be started.
    """
    spent = store.spent(tariff(settings))
    if spent != NOTHING:
        refuse_spent(limits_of(settings.campaign.budget), spent)
    asyncio.run(_check_endpoints(settings))
    pool.ready(settings.engine, progress)


async def _check_endpoints(settings: Settings) -> None:
    """Ask each endpoint once, before anything is spent."""
    asked = set()
    try:
        for name in ("client", "therapist", "supervisor"):
            role = getattr(settings.roles, name)
            place = (role.base_url, role.api_key_env, role.model)
            if place not in asked:
                asked.add(place)
                await check_endpoint(role, where=f"roles.{name}")
    finally:
        await close_line()
