"""What a campaign came to, on the screen: its summary, its bill, and many in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from campaigns.bill import Bill
    from campaigns.status import CampaignStatus
    from campaigns.summary import CampaignSummary
    from domain.runfolder import RunFolder


def show_summary(summary: CampaignSummary, folder: RunFolder) -> None:
    """Print what a campaign came to."""
    from campaigns.again import to_play_again
    from engine.ledger.store import Store
    from rehearsal.console import say, tell

    tell(
        f"{summary.accepted} of {summary.planned} sessions accepted "
        f"({summary.mended} of them mended by a rewind), {summary.rejected} rejected, "
        f"{summary.quarantined} quarantined; {summary.calls:,} calls, {_tokens(summary)}."
    )
    if again := len(to_play_again(Store(folder.ledger))) if summary.quarantined else 0:
        tell(f"{again:,} of them got no answer; this plays them again:")
        say(f'rehearsal campaign resume "{folder.root}"')
    say(f"Sessions: {folder.sessions}")
    say(f'Look inside one: rehearsal trace list "{folder.root}"')


def _tokens(summary: CampaignSummary) -> str:
    from rehearsal.wording import short

    said = f"{summary.tokens + summary.estimated_tokens:,} tokens"
    if summary.estimated_tokens:
        said += f", {short(summary.estimated_tokens)} of them estimated"
    return said


def show_bill(bill: Bill) -> None:
    """Print what the accepted sessions cost."""
    from rehearsal.console import tell
    from rehearsal.wording import short, usd

    def amount(tokens: float, dollars: float) -> str:
        return f"{short(tokens)} tokens" + (f" and {usd(dollars)}" if dollars else "")

    if not bill.looked_at:
        tell("No session has been accepted yet.")
        return
    said = f"{bill.accepted:,} accepted sessions: their own calls took "
    said += f"{amount(bill.tokens_each, bill.usd_each)} each"
    if bill.estimated_tokens_each:
        said += f", {short(bill.estimated_tokens_each)} of these tokens estimated"
    if bill.looked_at < bill.accepted:
        said += f" (mean of {bill.looked_at:,})"
    if bill.spent_tokens_each > bill.tokens_each:
        spent = amount(bill.spent_tokens_each, bill.spent_usd_each)
        said += f"; with all else that the campaign took, {spent} for each accepted one"
    tell(f"{said}.")
    if not bill.priced:
        tell("What they cost is not known: a model has no price (see `prices:` in the run file).")
    tell(
        f"A prefix cache could serve {bill.cacheable_share:.0%} of their prompt tokens "
        f"(at least {bill.cacheable_least:.0%} of a session's), {bill.shared_share:.0%} with the "
        "system prompts that sessions share."
    )
    if bill.rewound:
        more = amount(bill.saved_tokens_each, bill.saved_usd_each if bill.priced else 0.0)
        tell(
            f"{bill.rewound:,} were rewound: playing each again from the start would have cost "
            f"{more} more ({bill.saved_share:.0%} saved)."
        )


def show_statuses(found: list[CampaignStatus]) -> None:
    """Print one line to a campaign, and what is wrong with those that cannot be read."""
    from rich.table import Table

    from rehearsal.console import say, show
    from rehearsal.watch import cost
    from rehearsal.wording import short

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("run", overflow="fold")
    table.add_column("state", no_wrap=True)
    heads = ("planned", "accepted", "rejected", "quarantined", "tokens", "cost")
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for each in found:
        summary = each.summary
        counts = (summary.planned, summary.accepted, summary.rejected, summary.quarantined)
        table.add_row(
            each.name,
            each.state.value,
            *(f"{number:,}" for number in counts),
            short(summary.tokens + summary.estimated_tokens),
            cost(each),
        )
    show(table)
    for each in found:
        if each.problem:
            say(f"{each.name}: {each.problem}")
