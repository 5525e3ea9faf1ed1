"""`rehearsal cast`: make a cast, check one, bring one in, and see how a campaign covers it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import ExitCode
from rehearsal.options import ConfigArgument, JsonOption, RunArgument, RunOption, folder_to_write
from rehearsal.verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from campaigns.castreport import CastReport
    from domain.coverage import CoverageCell, CoverageTable

app = Verbs(help="Who sits in the client's chair.", no_args_is_help=True)

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="A cast.jsonl, or a plan.jsonl.")
]


@app.command("make")
def make(config: ConfigArgument, run_dir: RunOption = None, as_json: JsonOption = False) -> None:
    """Cast a campaign and play nothing yet; `campaign resume` plays it.

    Writes cast.jsonl and plan.jsonl into the run's folder.
    """
    from agents.pack import load_pack
    from campaigns.castreport import report_cast
    from campaigns.run import cast_only
    from engine.lock import refuse_if_held
    from rehearsal.console import emit_json, say, watching
    from rehearsal.embedded import endpoints_ready
    from rehearsal.runfile import load_settings
    from rehearsal.runs import save_settings

    settings = load_settings(config)
    folder = folder_to_write(settings, run_dir)
    refuse_if_held(folder.lock)
    by_grammar = settings.campaign.casting.by == "grammar" or settings.campaign.cast is not None
    if by_grammar:
        with watching() as progress:
            cast_only(settings, folder, progress, lambda: save_settings(settings, folder))
    else:
        with watching() as progress, endpoints_ready(settings) as ready:
            cast_only(ready, folder, progress, lambda: save_settings(settings, folder))
    found = report_cast(folder.cast, settings, load_pack(settings.pack))
    if as_json:
        emit_json({"run": str(folder.root), **found.model_dump(mode="json")})
        return
    show_report(found)
    say(f'To play it: rehearsal campaign resume "{folder.root}"')


@app.command("check")
def check(
    file: FileArgument,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="A run file: is the cast what it asks for? Exit 3 if not."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Look a cast through: is every line whole, who is too like whom, does it fit its quota?"""
    from agents.pack import load_pack
    from campaigns.castreport import report_cast
    from rehearsal.console import emit_json
    from rehearsal.runfile import load_settings

    settings = load_settings(config) if config else None
    found = report_cast(file, settings, load_pack(settings.pack) if settings else None)
    if as_json:
        emit_json(found)
    else:
        show_report(found)
    if found.fit is not None and not (found.fit.met and not found.fit.unknown):
        raise typer.Exit(ExitCode.GATE_NOT_MET)


@app.command("import")
def import_(
    file: FileArgument,
    out: Annotated[Path, typer.Option("--out", help="Where the cast is written.")],
    as_json: JsonOption = False,
) -> None:
    """Bring in a cast that was written or edited elsewhere: every line checked and named anew.

    Lines that stand twice are brought in once. Play it with `campaign.cast` in a run file.
    """
    from campaigns.castfile import bring_in
    from rehearsal.console import emit_json, say

    found = bring_in(file, out)
    if as_json:
        emit_json(found)
        return
    said = f"{found.personas:,} personas with their scenarios are in {out}."
    if found.renamed:
        said += f" {found.renamed:,} had been edited and have new ids."
    if found.doubles:
        said += f" {found.doubles:,} stood there twice."
    say(said)
    say(f"To play them: `campaign: {{cast: {out}, sessions: {found.personas}}}` in a run file.")


@app.command("coverage")
def coverage(
    run: RunArgument,
    figure: Annotated[
        Path | None,
        typer.Option("--figure", metavar="FOLDER", help="Draw it: coverage.png and coverage.svg."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say how a campaign covers its plan: problem by technique by style, with acceptance."""
    from campaigns.status import campaign_status
    from rehearsal.console import emit_json, say, show
    from rehearsal.coverage_view import coverage_table, draw
    from rehearsal.runs import open_run

    settings, folder = open_run(run)
    table = campaign_status(folder, settings, coverage=True).coverage
    if table is None:
        _nothing_cast(run)
        return
    drawn = draw(table, figure) if figure else ()
    if as_json:
        emit_json({**table.model_dump(mode="json"), "figures": [str(path) for path in drawn]})
        return
    show(coverage_table(table))
    _tell(table, run)
    for path in drawn:
        say(f"Drawn: {path}")


def _tell(table: CoverageTable, run: str) -> None:
    from rehearsal.console import tell

    tell(
        f"{table.wanted:,} sessions were dealt to {len(table.cells):,} cells of problem, technique "
        f"and style; {table.refilled:,} were added to refill them. {table.thin:,} cells are thin."
    )
    thin, rejecting = table.thinnest(), table.rejecting()
    if thin == rejecting:
        _list("Thin, and rejecting most, are:", thin, run)
    else:
        _list("Thin are, those that lack most first:", thin, run)
        _list("Rejecting most are:", rejecting, run)


def _list(head: str, cells: Sequence[CoverageCell], run: str) -> None:
    """Name the first few cells, and say where the others stand."""
    from rehearsal.console import say, show, tell
    from rehearsal.coverage_view import CELLS, cells_table

    if not cells:
        return
    say("")
    tell(head)
    show(cells_table(cells))
    if len(cells) > CELLS:
        more = len(cells) - CELLS
        tell(f'and {more:,} more, under `cells`: rehearsal cast coverage "{run}" --json')


def _nothing_cast(run: str) -> None:
    from domain.errors import ConfigError

    raise ConfigError(
        "nothing has been cast yet",
        where=run,
        expected="a campaign with a plan",
        mend='Run "rehearsal cast make" or "rehearsal campaign run".',
    )


def show_report(found: CastReport) -> None:
    """Print what is said of a cast."""
    from rich.table import Table

    from campaigns.casting.fitness import LEAST_P, MOST_POINTS
    from rehearsal.console import say, show, tell

    by = ", ".join(f"{count:,} by {name}" for name, count in found.made_by.items())
    tell(f"{found.personas:,} personas ({by}) in {found.file}")
    if found.near_duplicates:
        tell(
            f"{found.near_duplicates:,} of {found.compared:,} are near-duplicates of an earlier "
            f"one, such as {found.pairs[0].one} of {found.pairs[0].other} "
            f"({found.pairs[0].likeness:.0%})."
        )
    else:
        say(f"No near-duplicates among {found.compared:,}.")
    if found.edited:
        tell(f"Edited lines, which are played as they stand: {', '.join(map(str, found.edited))}.")
    if found.fit is None:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("dimension", "p", "off by", "most and least"):
        table.add_column(head, overflow="fold")
    for one in found.fit.dimensions:
        cast = sorted(one.values, key=lambda value: -value.got)
        ends = [cast[0], cast[-1]] if len(cast) > 1 else cast
        told = ", ".join(f"{x.value.replace('_', ' ')} {x.got:.1%} of {x.asked:.1%}" for x in ends)
        mark = "" if one.met else "  ✗"
        table.add_row(one.dimension, f"{one.p:.3f}{mark}", f"{one.worst_points:.1f} points", told)
    show(table)
    missed = [one.dimension for one in found.fit.dimensions if not one.met]
    if missed:
        tell(
            f"✗ {', '.join(missed)}: not as asked, which is p above {LEAST_P:g} and nothing off by "
            f"more than {MOST_POINTS:g} points. {found.personas:,} personas may be too few to show "
            "every small share: cast more, or ask for fewer values."
        )
    else:
        tell("Every share is as asked.")
    if found.fit.unknown:
        tell(f"{found.fit.unknown:,} personas have a value that the pack does not know.")
