"""`rehearsal trace`: list sessions, and show one as a tree down to its calls."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import ConfigError
from rehearsal.options import JsonOption, RunArgument
from rehearsal.verbs import Verbs

if TYPE_CHECKING:
    from campaigns.trace import Trace


class TraceStatus(StrEnum):
    """How a session stands."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    QUARANTINED = "quarantined"
    OPEN = "open"


_SHOWN = 8
"""Characters of an id that a list shows; `trace show` takes them."""
_LAST = 12
"""Columns that most words of a problem or a technique fit in."""

app = Verbs(help="Follow what happened in a session.", no_args_is_help=True)


@app.command("list")
def list_(
    run: RunArgument,
    status: Annotated[
        TraceStatus | None, typer.Option(help="Only sessions that ended so, or are open.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List a run's sessions."""
    from rich.table import Table

    from campaigns.trace import list_traces
    from rehearsal.console import emit_json, say, show
    from rehearsal.runs import open_run

    _, folder = open_run(run)
    lines = [line for line in list_traces(folder) if status in (None, line.status)]
    if as_json:
        emit_json([line.model_dump(mode="json") for line in lines])
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("#", "session", "status", "drafts", "score"):
        right = head in {"#", "drafts", "score"}
        table.add_column(head, justify="right" if right else "left", no_wrap=True)
    table.add_column("persona", no_wrap=True)
    # What is long shares the last column: beside each other, words would break at 80 columns.
    table.add_column("plays", min_width=_LAST, overflow="fold")
    for line in lines:
        score = "" if line.score is None else f"{line.score:.2f}"
        plays = ", ".join(map(_words, (line.problem, line.technique, line.style)))
        table.add_row(
            str(line.plan_index), _start(line.session), line.status, str(line.drafts), score,
            line.persona, f"{plays}\n{line.why}" if line.why else plays,
        )  # fmt: skip
    show(table)
    if lines:
        say(
            f"\nOne of them whole, by its number or the start of its id: "
            f'rehearsal trace show {lines[0].plan_index} --run "{run}"',
        )


def _start(session: str) -> str:
    """Return enough of an id to find the session by."""
    return session.removeprefix("session-")[:_SHOWN]


def _words(name: str) -> str:
    """Write a name so that it can be wrapped."""
    return name.replace("_", " ")


@app.command("show")
def show(
    session: Annotated[
        str, typer.Argument(metavar="SESSION", help="Its id, the start of it, or its number.")
    ],
    run: Annotated[
        str | None, typer.Option("--run", help="The run (default: the one that has it).")
    ] = None,
    calls: Annotated[bool, typer.Option("--calls", help="Show each call's prompt too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show a session: drafts, turns, calls, critiques, and what a rewind changed."""
    from rehearsal.console import emit_json, show
    from rehearsal.tracetree import trace_tree

    found = _find(session, run)
    if as_json:
        emit_json(found)
    else:
        show(trace_tree(found, prompts=calls))


def _find(session: str, run: str | None) -> Trace:
    """Look in one run, or in all of them.

    Raises:
        ConfigError: No run has such a session, or more than one has.
    """
    from campaigns.status import list_campaigns
    from campaigns.trace import load_trace
    from domain.runfolder import RunFolder
    from rehearsal.runs import open_run, runs_root

    if run is not None:
        return load_trace(open_run(run)[1], session)
    from pathlib import Path

    found: dict[str, Trace] = {}
    for campaign in list_campaigns(runs_root()):
        try:
            found[campaign.name] = load_trace(RunFolder(Path(campaign.folder)), session)
        except ConfigError:
            continue
    if len(found) == 1:
        return next(iter(found.values()))
    raise ConfigError(
        "more than one run has this session" if found else "no run has this session",
        where=str(runs_root()),
        got=f"{session} in {', '.join(found)}" if found else session,
        mend="name the run with --run" if found else 'see "rehearsal trace list RUN"',
    )
