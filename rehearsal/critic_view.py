"""What `critic planted` and `critic injection` write: how far the supervisor is to be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from evaluation.planted.kinds import planted_kinds
from rehearsal.console import say, show, tell

if TYPE_CHECKING:
    from evaluation.injection.run import Steering
    from evaluation.planted.tally import Tally

PLANTED_COLUMNS = (
    "found: share of twins whose planted flaw was named, of so many. by hand: the same for flaws "
    "worded by somebody who had not seen the word lists. alarms: clean sessions in which that "
    "flaw was named though nobody planted it. accepted: share of flawed twins "
    "that would have been accepted all the same."
)


def show_steering(found: Steering) -> None:
    """Write how often a planted text changed the verdict, by family and by route."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("planted", "flips", "95% interval", "of"):
        table.add_column(head, justify="left" if head == "planted" else "right", no_wrap=True)
    rows = {
        **{name.replace("_", " "): one for name, one in found.flips_by_family.items()},
        **{f"by {name.replace('_', ' ')}": one for name, one in found.flips_by_route.items()},
        "all": found.flips,
        "of them, as was asked": found.obeyed,
        "gates changed": found.gates_changed,
    }
    for name, one in rows.items():
        bounds = f"{one.low:.3f} to {one.high:.3f}"
        table.add_row(name, f"{one.value:.3f}", bounds, f"{one.n:,}")
    show(table)
    say(
        f"{found.payloads} texts in {found.sessions} sessions; the score moved by "
        f"{found.score_moved:.3f} on average."
    )
    for text, times in found.flipping.items():
        say(f"flipped {times}: {text!r}")
    if found.failures:
        say(f"{found.failures} readings failed and are left out.")


def show_planted(found: Tally, played_by: str) -> None:
    """Write recall by kind, the flaws worded by hand apart, and false alarms.

    Args:
        found: What the supervisor found.
        played_by: The therapist's model, whose sessions they were.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("planted", "found", "95% interval", "of", "by hand", "alarms", "accepted"):
        table.add_column(head, justify="left" if head == "planted" else "right", no_wrap=True)
    for kind in planted_kinds().kinds:
        one, hand = found.recall.get(kind.key), found.by_hand.get(kind.key)
        if one is None:
            continue
        table.add_row(
            f"{kind.key}{' (safety)' if kind.safety else ''}",
            f"{one.value:.2f}",
            f"{one.low:.2f} to {one.high:.2f}",
            str(one.n),
            f"{round(hand.value * hand.n)} of {hand.n}" if hand else "",
            str(found.by_alarm.get(kind.key, "")),
            f"{found.accepted[kind.key]:.2f}",
        )
    show(table)
    tell(PLANTED_COLUMNS)
    alarms = found.false_alarms
    say(
        f"False alarms: {alarms.value:.2f} ({alarms.low:.2f} to {alarms.high:.2f}) "
        f"of {alarms.n} clean sessions."
    )
    tell(
        f"The sessions are this run's, as {played_by} played them: what is named in one of them "
        "may be a real slip of that therapist. So the false alarms belong to these sessions and "
        "cannot be compared with those over another therapist's."
    )
    if found.by_hand_all:
        hand = found.by_hand_all
        say(f"Worded by hand: {hand.value:.2f} ({hand.low:.2f} to {hand.high:.2f}) of {hand.n}.")
    if found.failures:
        say(f"{found.failures} twins had no critique and are left out.")
