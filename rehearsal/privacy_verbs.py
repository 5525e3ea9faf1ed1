"""`rehearsal corpus pii-check` and `forget`: what screening finds, and taking a record out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corpus.piicheck.material import MaterialSet
from domain.errors import ConfigError, ExitCode, StoreError
from domain.runfolder import RunFolder
from rehearsal.options import JsonOption, RunOption, find_target

if TYPE_CHECKING:
    from corpus.forget.forget import Forgetting
    from corpus.forget.mark import Mark
    from corpus.piicheck.score import Check


def pii_check(
    target: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="A run file or run whose screening is checked."),
    ] = None,
    which: Annotated[
        MaterialSet,
        typer.Option("--set", help="held-out is what is reported; dev may be looked at."),
    ] = MaterialSet.HELD_OUT,
    repeats: Annotated[
        int, typer.Option(min=1, max=1000, help="How often each sentence is planted.")
    ] = 20,
    seed: Annotated[int, typer.Option(help="Of the people, numbers and order.")] = 7,
    as_json: JsonOption = False,
) -> None:
    """Plant identifiers of invented people in sessions, screen them, and count what is found."""
    from corpus.piicheck.material import load_material
    from corpus.piicheck.plant import sessions_of
    from corpus.piicheck.score import check, with_steering
    from corpus.piicheck.steering import check_steering
    from rehearsal.console import emit_json

    model = find_target(target)[0].corpus.spacy_model if target is not None else None
    sessions = sessions_of(load_material(which), repeats, seed)
    result = with_steering(check(sessions, which.value, model), check_steering())
    if as_json:
        emit_json(result.model_dump(mode="json"))
    else:
        _show(result)
    if result.missed:
        raise typer.Exit(int(ExitCode.GATE_NOT_MET))


def forget(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="[RUN] RECORD",
            help="A record's id, or the beginning of one (see corpus/review.md). Before it, where "
            "only one run is meant, that run: a run file, a folder, or a name under runs/.",
        ),
    ],
    run_dir: RunOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be taken out.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Take a person's record out of a run, or of every run that has it; name what saw it."""
    from rehearsal.console import emit_json

    folders, record = _runs_and_record(names, run_dir)
    found = [
        done for folder in folders if (done := _forgotten(folder, record, dry=dry_run)) is not None
    ]
    if not found:
        raise StoreError(
            "no run has such a record",
            where=", ".join(str(folder.root) for folder in folders) or str(_runs_root()),
            expected="the id of a record, or the first 8 signs of one, as in corpus/review.md",
            got=record,
            mend=_where_ids_stand(folders),
        )
    if as_json:
        emit_json({"dry_run": dry_run, "runs": [one.model_dump(mode="json") for one in found]})
    else:
        for one in found:
            _tell(one)


def _where_ids_stand(folders: list[RunFolder]) -> str:
    """The mend for an id that nobody has: the reviews, which give each record's."""
    reviews = [str(folder.review) for folder in folders if folder.review.is_file()]
    more = f" and {len(reviews) - 3} more" if len(reviews) > 3 else ""
    if reviews:
        return f"see the ids in {', '.join(reviews[:3])}{more}, or name another run"
    return "name the run that took the record in; none of these has a review"


def _runs_and_record(names: list[str], run_dir: Path | None) -> tuple[list[RunFolder], str]:
    """Return the runs to look in: the one named, or all there are."""
    if len(names) > 2:
        raise ConfigError("too many names", expected="[RUN] RECORD", got=" ".join(names))
    if len(names) == 2:
        _, folder = find_target(names[0], run_dir)
        return [folder], names[1]
    if run_dir is not None:
        return [RunFolder(run_dir.resolve())], names[0]
    root = _runs_root()
    there = sorted(root.iterdir()) if root.is_dir() else []
    return [RunFolder(path) for path in there if _is_run(path)], names[0]


def _is_run(path: Path) -> bool:
    """Tell a run's folder from what else lies beside it, such as a comparison of two corpora."""
    return RunFolder(path).config.is_file() or RunFolder(path).real.parent.is_dir()


def _runs_root() -> Path:
    from rehearsal.runs import runs_root

    return runs_root()


def _forgotten(folder: RunFolder, record: str, *, dry: bool) -> Forgetting | None:
    from corpus.forget.forget import find_record
    from corpus.forget.forget import forget as take_out
    from engine.ledger.forget import without
    from rehearsal.writing import writing

    name = find_record(folder, record)
    if name is None:
        return None

    def ledgers(ledger: Path, mark: Mark, *, dry: bool) -> int:
        return without(ledger, mark.in_bytes, dry=dry)

    if dry:
        return take_out(folder, name, ledgers, dry=True)
    with writing(folder, f"rehearsal corpus forget {name} --run {folder.root}"):
        return take_out(folder, name, ledgers, dry=False)


def _tell(done: Forgetting) -> None:
    from rehearsal.console import say

    verb = "would be taken" if done.dry_run else "were taken"
    if done.already:
        say(f"{done.record} was forgotten in {done.run} before.")
    else:
        total, calls = sum(done.lines.values()), sum(done.ledgers.values())
        say(f"{done.run}: {total} lines of {len(done.lines)} files {verb} out, {calls} calls.")
        for name in done.files:
            say(f"  whole, to be made again: {name}")
    for blend in done.blends:
        say(f"  held by the blend {blend}")
    for adapter in done.adapters:
        say(f"  seen by {adapter}: it is left; train again, or delete it")
    for export in (*done.exports, *done.exports_missing):
        say(f"  exported to {export}: look for copies")


def _show(result: Check) -> None:
    from rich.table import Table

    from rehearsal.console import say, show

    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("what", "found", "planted", "recall", "95% interval", "bar"):
        table.add_column(head, justify="left" if head == "what" else "right", no_wrap=True)
    for kind, recall in result.recall.items():
        low, high = result.intervals[kind]
        bar = result.bars.get(kind)
        table.add_row(
            kind.replace("_", " "),
            f"{result.found[kind]:,}",
            f"{result.planted[kind]:,}",
            f"{recall:.3f}",
            f"{low:.3f} to {high:.3f}",
            "" if bar is None else f"{bar:.2f}" + ("" if recall >= bar else " missed"),
        )
    show(table)
    say(
        f"Replaced though nobody planted it: {result.over_redacted:,} of {result.tokens:,} tokens, "
        f"{result.over_redaction:.2%} (at most {result.bars['over_redaction']:.0%})."
    )
    flagged = result.flagged
    if flagged is not None:
        say(
            f"Lines that speak to a machine: {flagged.found} of {flagged.planted} are flagged, "
            f"{flagged.recall:.3f} (at least {flagged.bar:.2f}); "
            f"{flagged.false_flags} of {flagged.clean} others are."
        )
    say("Screening misses what it was not told of: a person reads the review, and signs.")
