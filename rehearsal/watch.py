"""A campaign on the screen: one table that `status` prints and `watch` draws again each second."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from campaigns.again import PASSING
from campaigns.labels import FLAW, ITEM, LIMIT, TEXT
from campaigns.status import State, campaign_status
from rehearsal.course import is_paused, paused
from rehearsal.enough import enough
from rehearsal.wording import exactly, short, span, spread, usd

if TYPE_CHECKING:
    from campaigns.now import Now
    from campaigns.status import CampaignStatus
    from domain.coverage import CoverageTable
    from domain.endpointstate import EndpointState
    from domain.runfolder import RunFolder
    from domain.settings import Settings

EVERY_S = 1.0
_BAR = 16
_COLOURS = {
    State.RUNNING: "green",
    State.FINISHED: "bold",
    State.STOPPED: "yellow",
    State.CAST: "default",
    State.UNREACHABLE: "red",
    State.DAMAGED: "red",
}


_RULES = {
    ITEM: "an item under its own limit",
    FLAW: "a flaw that blocks",
    TEXT: "broken text",
    LIMIT: "over a limit of what is counted in the text",
}
"""What a rejected session's label says in more than a word; a gate is its own name."""
_NAMED = 3
"""Values that share the last place and are named."""


def _share(part: float) -> str:
    """Return a share in per cent; 100% is said of all only, and 0% of none."""
    return f"{part:.1%}" if 0 < part < 0.01 or 0.99 < part < 1 else f"{part:.0%}"


def status_table(status: CampaignStatus) -> Table:
    """Lay a campaign's state out in two columns that fit a narrow terminal."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("campaign", _head(status))
    summary, now = status.summary, status.now
    table.add_row("sessions", _sessions(status))
    table.add_row("accepted", _accepted(status))
    table.add_row("rejected", _rejected(status))
    table.add_row("quarantined", _counted(summary.quarantined, status.quarantined_by))
    if status.state is State.CAST:
        table.add_row("to play it", Text(f'rehearsal campaign resume "{status.folder}"'))
    if status.coverage is not None:
        table.add_row("coverage", coverage_text(status.coverage))
    table.add_row("calls", _calls(status))
    table.add_row("tokens", _tokens(status))
    table.add_row("cost", _cost(status))
    if status.tokens_per_accepted is not None:
        table.add_row("spent in all", _per_accepted(status))
    for name, text in _of_now(status, now) if now is not None else ():
        table.add_row(name, text)
    if (further := _to_go_on(status)) is not None:
        table.add_row("to go on", further)
    if status.problem:
        table.add_row("problem", Text(status.problem, style="red"))
    return table


def _head(status: CampaignStatus) -> Text:
    text = Text(f"{status.name}  ", style="bold")
    text.append(status.state.value, style=_COLOURS[status.state])
    if status.holder:
        text.append(f"  {status.holder}", style="dim")
    return text


def _sessions(status: CampaignStatus) -> Text:
    summary = status.summary
    filled = _BAR * summary.finished // max(1, summary.planned)
    text = Text("━" * filled, style="green").append("━" * (_BAR - filled), style="dim")
    text.append(f" {summary.finished:,} of {summary.planned:,}", style="default")
    if status.now is not None and status.now.in_flight:
        text.append(f", {status.now.in_flight:,} in flight", style="default")
    return text


def _accepted(status: CampaignStatus) -> str:
    said = f"{status.summary.accepted:,}"
    if status.acceptance is None:
        return said
    judged = status.summary.accepted + status.summary.rejected
    said += f", {_share(status.acceptance)} of {judged:,} judged"
    if status.state is State.RUNNING:
        said += " so far; those that are revised end later"
    return said


def _rejected(status: CampaignStatus) -> str:
    by = {_RULES.get(why, why): n for why, n in status.rejected_by.items()}
    return _counted(status.summary.rejected, by)


def _counted(total: int, by: dict[str, int]) -> str:
    named = ", ".join(f"{why.replace('_', ' ')} {count:,}" for why, count in by.items() if why)
    return f"{total:,}: {named}" if named else f"{total:,}"


def coverage_text(table: CoverageTable) -> str:
    """Say in a few lines how a campaign covers its plan, and where most is rejected."""
    reached = sum(cell.accepted > 0 for cell in table.cells)
    said = [f"{reached:,} of {len(table.cells):,} cells of problem, technique and style accepted"]
    if table.thin:
        said[0] += f", {table.thin:,} thin: played out, fewer accepted than wanted"
    if table.refilled:
        said[0] += f"; {table.refilled:,} sessions added"
    for dimension in ("problem", "technique", "style"):
        rated = [line for line in table.lines if line.dimension == dimension]
        rated = [line for line in rated if line.acceptance is not None]
        least = min((line.acceptance or 0.0 for line in rated), default=1.0)
        worst = [line for line in rated if line.acceptance == least and line.rejected]
        if worst:
            names = [line.value.replace("_", " ") for line in worst]
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            named = f"{', '.join(names[:_NAMED])}{more}"
            said.append(f"{dimension} least accepted: {named}, {_share(least)}")
    return "\n".join(said)


def _calls(status: CampaignStatus) -> str:
    now, said = status.now, f"{status.summary.calls:,}"
    if now is not None:
        said += _of(now.budget.calls, "{:,}")
        if now.calls_per_second:
            said += f", {now.calls_per_second:,.1f} a second"
    if status.failed_by:
        said += f"; failed: {_counted(sum(status.failed_by.values()), status.failed_by)}"
    return said


def _tokens(status: CampaignStatus) -> str:
    summary, now = status.summary, status.now
    said = short(summary.tokens + status.estimated_tokens)
    if now is not None and now.budget.tokens is not None:
        said += f" of {short(now.budget.tokens)}"
    if status.estimated_tokens:
        said += f", {short(status.estimated_tokens)} of them estimated"
    if summary.cached_tokens:
        said += f", {short(summary.cached_tokens)} of them cached"
    if now is not None and now.forecast is not None:
        said += f"; expected {spread(now.forecast.tokens, short)}"
    return said


def _cost(status: CampaignStatus) -> str:
    now, said = status.now, cost(status)
    if now is not None and now.budget.usd is not None:
        said += f" of {exactly(now.budget.usd)}"
    if now is not None and now.forecast is not None and status.usd:
        said += f"; expected {spread(now.forecast.usd, usd)}"
    if status.unpriced:
        said += f" (no price known for {', '.join(status.unpriced)})"
    return said


def cost(status: CampaignStatus) -> str:
    """Return what a campaign has cost; a question mark where no price is known."""
    if not status.unpriced:
        return usd(status.usd)
    return f"{usd(status.usd)} and more" if status.usd else "?"


def _per_accepted(status: CampaignStatus) -> str:
    said = f"{short(status.tokens_per_accepted or 0)} tokens"
    said += f", {usd(status.usd_per_accepted)}" if status.usd_per_accepted else ""
    return f"{said} for each accepted session, what the others took included"


def _of_now(status: CampaignStatus, now: Now) -> list[tuple[str, Text]]:
    rows = []
    running = status.state is State.RUNNING
    if running:
        rows.append(("running for", Text(_time(status, now))))
    if running or status.state is State.STOPPED:
        rows += [("endpoint", _endpoint(one, now, running=running)) for one in now.endpoints]
    if now.stale:
        said = f"The run has said nothing for {span(now.age_s)}: what is above may be old."
        rows.append(("note", Text(said, style="yellow")))
    if status.state is State.STOPPED and now.why:
        rows.append(("stopped", Text(now.why)))
    return rows


def _to_go_on(status: CampaignStatus) -> Text | None:
    """Say how a campaign that nobody is at is gone on with, where there is something to do."""
    resume = f'rehearsal campaign resume "{status.folder}"'
    if status.state is State.STOPPED:
        now = status.now
        return Text(resume + (enough(now) if now is not None and "budget" in now.why else ""))
    again = sum(n for why, n in status.quarantined_by.items() if why in PASSING)
    if status.state is State.FINISHED and again:
        return Text(f"{resume}\nplays the {again:,} again that nobody answered")
    return None


def _time(status: CampaignStatus, now: Now) -> str:
    said = span(now.seconds + now.age_s)
    if now.budget.deadline_s is not None:
        said += f" of {span(now.budget.deadline_s)}"
    left = now.forecast.seconds_left if now.forecast is not None else None
    if left is not None:
        said += f", {spread(left, span)} to go"
    elif status.state is State.RUNNING and now.forecast is None:
        said += ", too few sessions have finished to foretell the end"
    return said


def _endpoint(state: EndpointState, now: Now, *, running: bool) -> Text:
    text = Text(state.base_url)
    if running:
        text.append(f"\n{state.phase.value}: {state.in_flight} under way, limit {state.limit}")
        text.append(f" of {state.ceiling}, {state.waiting} waiting")
        if state.latency_ms is not None:
            text.append(f", {state.latency_ms:,.0f} ms")
    if state.refused:
        text.append(f"\nrefused {state.refused:,}, {state.refused_share:.1%} in the last minute")
    if state.errors:
        text.append(f"\nlast minute: {_counted(sum(state.errors.values()), state.errors)}")
    if state.last_error:
        text.append(f"\nlast error: {state.last_error}", style="yellow")
    if running and is_paused(state):
        text.append(f"\n{paused(state, now.patience_s.get(state.base_url))}", style="red")
    return text


def _of(limit: int | None, form: str) -> str:
    return "" if limit is None else f" of {form.format(limit)}"


def watch_live(folder: RunFolder, settings: Settings) -> CampaignStatus:
    """Draw the campaign's state each second until nobody is at it; return the last."""
    from rich.console import Console
    from rich.live import Live

    status = campaign_status(folder, settings)
    with Live(status_table(status), console=Console(), auto_refresh=False) as view:
        while status.state is State.RUNNING:
            time.sleep(EVERY_S)
            status = campaign_status(folder, settings)
            view.update(status_table(status), refresh=True)
    return status


def is_terminal() -> bool:
    """Whether there is a screen to draw on."""
    return sys.stdout.isatty()
