"""Where a campaign stands: read from its plan, its ledger and its lock, while it runs or after."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import Field

from campaigns.coverage import coverage_of
from campaigns.labels import status_of, why_of
from campaigns.manifest import manifest_path, read_manifest, require_campaign
from campaigns.now import Now, read_now
from campaigns.refillfile import read_refills
from campaigns.spending import payers, spent_on_casting, totals_of_casting, with_casting
from campaigns.summary import CampaignSummary
from domain.base import Noun
from domain.call import Outcome
from domain.coverage import CoverageTable
from domain.errors import RehearsalError, StoreAwayError
from domain.price import dollars
from domain.runfolder import RunFolder
from domain.session import Status
from engine.ledger.store import Store
from engine.lock import holder_of
from engine.spending.prices import tariff

if TYPE_CHECKING:
    from pathlib import Path

    from domain.settings import Settings
    from engine.ledger.store import Totals


class State(StrEnum):
    """What a campaign is doing."""

    RUNNING = "running"
    CAST = "cast, not played"
    """Its plan is written, nothing of it played: `campaign resume` plays it."""
    STOPPED = "stopped"
    """Begun, not finished, and nobody is at it: it can be resumed."""
    FINISHED = "finished"
    UNREACHABLE = "unreachable"
    """The database of its ledger does not answer."""
    DAMAGED = "damaged"
    """Its files cannot be read; `problem` says why."""


class CampaignStatus(Noun):
    """One campaign at a glance."""

    name: str
    folder: str
    state: State
    summary: CampaignSummary
    acceptance: float | None = None
    """Accepted among the accepted and rejected; None before there is one."""
    rejected_by: dict[str, int] = Field(default_factory=dict)
    """Rejected sessions by the first rule that failed: a gate, or one that `labels` names."""
    quarantined_by: dict[str, int] = Field(default_factory=dict)
    """Quarantined sessions by how their last call ended."""
    failed_by: dict[str, int] = Field(default_factory=dict)
    """Calls that brought no answer to use, by how they ended, over all runs of the campaign."""
    estimated_tokens: int = 0
    """Tokens of calls whose endpoint reported none: an estimate, not in `summary.tokens`."""
    usd: float = 0.0
    unpriced: tuple[str, ...] = ()
    """Models without a price: their calls count as nothing in `usd`."""
    tokens_per_accepted: float | None = None
    """All tokens, those of sessions that were not accepted too, for each accepted session."""
    usd_per_accepted: float | None = None
    coverage: CoverageTable | None = None
    """None where it was not asked for, or nothing is planned yet."""
    now: Now | None = None
    """None where no run has written how it stands."""
    holder: str = ""
    """Who is writing to it now."""
    problem: str = ""


def campaign_status(
    folder: RunFolder, settings: Settings | None = None, *, coverage: bool = False
) -> CampaignStatus:
    """Say where the campaign in `folder` stands.

    Args:
        folder: The run's folder.
        settings: The run file, for its prices; left out, the one the campaign was begun with.
        coverage: Whether to count every cell of the plan as well.

    Raises:
        ConfigError: There is none.
        StoreError: Its ledger is damaged, or, where coverage is asked for, its plan.
    """
    require_campaign(folder)
    manifest = read_manifest(folder)
    if settings is None and manifest is not None:
        settings = manifest.settings
    store, holder = Store(folder.ledger), holder_of(folder.lock) or ""
    prices = {} if settings is None else tariff(settings)
    begun = manifest.settings if manifest else None
    dealt = begun.campaign.sessions if begun else 0
    labels, totals = store.labels(), store.totals()
    summary, counts = _summary(totals, sum(read_refills(folder, dealt).lines), labels)
    summary = with_casting(summary, folder)
    spent = store.spent(prices) + spent_on_casting(folder, prices)
    usd, tokens = dollars(spent.pico), spent.tokens
    judged = summary.accepted + summary.rejected
    state = _state(folder, holder, played=bool(labels) or totals.calls > 0)
    return CampaignStatus(
        name=folder.root.name,
        folder=str(folder.root),
        state=state,
        summary=summary,
        acceptance=summary.accepted / judged if judged else None,
        rejected_by=_by_why(counts, Status.REJECTED),
        quarantined_by=_by_why(counts, Status.QUARANTINED),
        failed_by=_failed(totals, folder),
        estimated_tokens=max(0, tokens - summary.tokens),
        usd=usd,
        unpriced=_unpriced(settings, payers(folder), set(prices)),
        tokens_per_accepted=tokens / summary.accepted if summary.accepted else None,
        usd_per_accepted=usd / summary.accepted if summary.accepted else None,
        coverage=coverage_of(folder, labels, dealt)
        if coverage and manifest and manifest.plan_hash
        else None,
        now=_now(folder, settings, state, summary),
        holder=holder,
    )


def _summary(
    totals: Totals, planned: int, labels: dict[str, str]
) -> tuple[CampaignSummary, dict[str, int]]:
    """Return the numbers of a campaign, and its sessions counted by label."""
    tally = Counter(labels.values())
    counts = dict.fromkeys(Status, 0)
    for label, count in tally.items():
        counts[Status(status_of(label))] += count
    summary = CampaignSummary(
        planned=planned,
        accepted=counts[Status.ACCEPTED],
        rejected=counts[Status.REJECTED],
        quarantined=counts[Status.QUARANTINED],
        calls=totals.calls,
        tokens=totals.tokens,
        estimated_tokens=totals.estimated_tokens,
        cached_tokens=totals.cached_tokens,
    )
    return summary, dict(tally)


def _failed(totals: Totals, folder: RunFolder) -> dict[str, int]:
    """Count the calls that failed, those of a model's casting too, the most frequent first."""
    casting = totals_of_casting(folder)
    counts = Counter(totals.by_outcome)
    counts.update({} if casting is None else casting.by_outcome)
    del counts[Outcome.OK.value]
    return dict(counts.most_common())


def _now(
    folder: RunFolder, settings: Settings | None, state: State, summary: CampaignSummary
) -> Now | None:
    """Return what the run last wrote of itself.

    The ledger has gone on since: a session that it has as ended is not in flight as well.
    """
    running, finished = state is State.RUNNING, state is State.FINISHED
    now = read_now(folder, settings, running=running, finished=finished)
    if now is None:
        return None
    open_ = summary.planned - summary.accepted - summary.rejected  # quarantined may play again
    return now.model_copy(update={"in_flight": max(0, min(now.in_flight, open_))})


def _by_why(labels: dict[str, int], status: Status) -> dict[str, int]:
    """Return the labels of one status by what they say of it, the most frequent first."""
    found = {why_of(label): n for label, n in labels.items() if status_of(label) == status}
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def _unpriced(
    settings: Settings | None, paid: tuple[str, ...], priced: set[str]
) -> tuple[str, ...]:
    if settings is None:
        return ()
    return tuple(
        sorted({getattr(settings.roles, role).model for role in paid if role not in priced})
    )


def list_campaigns(root: Path) -> list[CampaignStatus]:
    """Return every campaign directly under `root`, by name; one that cannot be read too."""
    if not root.is_dir():
        return []
    folders = [RunFolder(path) for path in sorted(root.iterdir()) if path.is_dir()]
    return [_listed(folder) for folder in folders if manifest_path(folder).is_file()]


def _listed(folder: RunFolder) -> CampaignStatus:
    try:
        return campaign_status(folder)
    except (RehearsalError, OSError) as error:
        return CampaignStatus(
            name=folder.root.name,
            folder=str(folder.root),
            state=State.UNREACHABLE if isinstance(error, StoreAwayError) else State.DAMAGED,
            summary=CampaignSummary(planned=0),
            problem=str(error),
        )


def _state(folder: RunFolder, holder: str, *, played: bool) -> State:
    if holder:  # also of a finished one, which plays again what nobody answered
        return State.RUNNING
    if folder.sessions.is_file():
        return State.FINISHED
    return State.STOPPED if played or not folder.plan.is_file() else State.CAST
