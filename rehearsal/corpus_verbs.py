"""`rehearsal corpus`: ingest, sign-off, compare, blend, export, stats."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rehearsal.comparing import compare
from rehearsal.options import (
    JsonOption,
    RunOption,
    TargetArgument,
    find_target,
    percentages,
    with_transcripts,
)

if TYPE_CHECKING:
    from corpus.ingest import IngestSummary
    from corpus.speakers import Ask
    from domain.runfolder import RunFolder
    from domain.settings import Settings

SweepOption = Annotated[
    str | None,
    typer.Option(
        "--sweep", metavar="SHARES", help="Synthetic shares in percent, such as 0,25,50,100."
    ),
]

app = typer.Typer(help="Take in real transcripts, sign, blend, export.", no_args_is_help=True)


app.command("compare")(compare)


class ExportForm(StrEnum):
    """What an export holds."""

    SESSIONS = "sessions"
    OPENAI = "openai"
    TRL = "trl"
    PREFERENCE = "preference"
    SHAREGPT = "sharegpt"
    ALPACA = "alpaca"
    PARQUET = "parquet"
    DATASETS = "datasets"
    CSV = "csv"
    ARGILLA = "argilla"
    LABEL_STUDIO = "label-studio"


SignOffOption = Annotated[
    str | None,
    typer.Option("--sign-off", metavar="NAME", help="Who has read the review and signs for it."),
]


@app.command("ingest")
def ingest(
    target: TargetArgument,
    transcripts: Annotated[
        Path | None, typer.Option(help="File or folder; default: corpus.transcripts of the run.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="Licence of these transcripts (default: unstated).")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            help="Which column of a table holds what: session=A,speaker=B,text=C[,start=D], "
            "or client=A,therapist=B."
        ),
    ] = None,
    therapist: Annotated[
        list[str] | None, typer.Option(help="Speaker label of the therapist; may be repeated.")
    ] = None,
    client: Annotated[
        list[str] | None, typer.Option(help="Speaker label of the client; may be repeated.")
    ] = None,
    nobody: Annotated[
        list[str] | None, typer.Option(help="Speaker label to leave out; may be repeated.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of the files, e.g. cp1251 (default: found out).")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would come in, and write nothing.")
    ] = False,
    sign_off: SignOffOption = None,
    run_dir: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read real transcripts into quarantine; nothing uses them until somebody signs."""
    from rehearsal.console import emit_json, say
    from rehearsal.reading import asker, with_reading
    from rehearsal.runfile import keep_settings

    settings, folder = find_target(target, run_dir)
    if transcripts is not None:
        settings = with_transcripts(settings, transcripts, licence)
    settings = with_reading(settings, columns, therapist, client, nobody, encoding)
    from corpus.ingest import ingest as take_in
    from corpus.signoff import FLAGGED
    from rehearsal.transcripts import transcripts_of
    from rehearsal.writing import writing

    source, ask = transcripts_of(settings), None if as_json else asker()
    if dry_run:
        _preview(source, settings, ask, as_json=as_json)
        return
    with writing(folder):
        summary = take_in(source, folder, settings.corpus, ask)
        keep_settings(settings, folder)
        signed, left_out = _sign(folder, sign_off) if sign_off else (0, ())
    if as_json:
        emit_json({**summary.model_dump(mode="json"), "signed_off": signed, "rejected": left_out})
    else:
        show_ingest(summary, folder)
        if signed:
            say(f"{signed} records signed off by {sign_off}.")
        for flagged in left_out:
            say(f"Left out {flagged}: {FLAGGED}")


@app.command("sign-off")
def sign_off(
    target: TargetArgument,
    name: Annotated[str, typer.Option("--name", help="Who has read the review.")],
    accept: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RECORD", help="A flagged record to use all the same; `all` for every one."
        ),
    ] = None,
    reject: Annotated[
        list[str] | None,
        typer.Option(metavar="RECORD", help="A record to throw out; `all` for the flagged ones."),
    ] = None,
    run_dir: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Release the quarantined records of a run, by name; flagged ones each by a decision."""
    from corpus.signoff import sign_off as sign
    from rehearsal.console import emit_json, say
    from rehearsal.writing import writing

    _, folder = find_target(target, run_dir)
    with writing(folder):
        done = sign(folder, name, accept or (), reject or ())
    if as_json:
        emit_json(
            {
                "signed_off": len(done.records),
                "by": done.name,
                "at": done.at,
                "accepted": done.accepted,
                "rejected": done.rejected,
            }
        )
    else:
        say(f"{len(done.records)} records signed off by {done.name}.")
        for decided, records in (("accepted", done.accepted), ("rejected", done.rejected)):
            if records:
                say(f"Flagged and {decided}: {', '.join(records)}")


@app.command("blend")
def blend(
    target: TargetArgument,
    sweep: SweepOption = None,
    seeds: Annotated[
        int, typer.Option(min=1, help="With --sweep: how many seeds, from the run's own on.")
    ] = 1,
    run_dir: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Split, hold out, and mix real and accepted synthetic sessions, one blend per variant.

    With --sweep, a series of blends in its place, which `train sweep` trains on: the same number of
    therapist words each, and the same sessions held out.
    """
    from corpus.blend import blend as mix
    from corpus.blend import blend_sweep, sweep_folder
    from rehearsal.console import emit_json, say
    from rehearsal.runfile import keep_settings
    from rehearsal.writing import writing

    settings, folder = find_target(target, run_dir)
    into = folder if sweep is None else sweep_folder(folder)
    with writing(folder):
        if sweep is None:
            made = mix(settings, folder)
        else:
            made = blend_sweep(settings, folder, percentages(sweep), seeds)
        keep_settings(settings, folder)
    if as_json:
        emit_json({name: each.model_dump(mode="json") for name, each in made.items()})
        return
    for name, each in made.items():
        say(
            f"{name:<10} {each.real_sessions:>4} real + {each.synthetic_sessions:>4} synthetic "
            f"sessions, {each.supervised_words:,} therapist words: {into.blend(name)}",
        )
    for reason, count in next(iter(made.values())).left_out.items():
        if count:
            say(f"Left out of all: {count:,} {reason}")


@app.command("export")
def export(
    target: TargetArgument,
    to: Annotated[Path, typer.Option("--to", help="Folder to write.")],
    form: Annotated[
        ExportForm,
        typer.Option("--format", help="What for: a trainer, a table, or review elsewhere."),
    ] = ExportForm.SESSIONS,
    run_dir: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write all that may leave the run, with a manifest and a dataset card.

    sessions is chat JSONL with Parquet beside it; preference is drafts beside their revisions; csv,
    argilla and label-studio are for people and hold poor sessions as well.

    The blends that adapters were trained on stand in the run's folder, under blends/.
    """
    from corpus.export import export_corpus
    from corpus.forget.exports import note_export
    from corpus.preference import export_preferences
    from rehearsal.console import emit_json, say

    settings, folder = find_target(target, run_dir)
    if form is ExportForm.PREFERENCE:
        made = export_preferences(folder, to)
        note_export(folder, to)
        if as_json:
            emit_json({"to": str(to), **made.model_dump(mode="json")})
        else:
            say(f"{made.pairs} preference pairs of {made.sessions} sessions: {to}")
        return
    from corpus.forms.catalogue import FORMS

    manifest = export_corpus(folder, to, settings.corpus, settings.seed, FORMS.get(form.value))
    note_export(folder, to)
    if as_json:
        emit_json({"to": str(to), **manifest.model_dump(mode="json", exclude={"records"})})
    else:
        say(
            f"{manifest.sessions} sessions ({manifest.real_sessions} real, "
            f"{manifest.synthetic_sessions} synthetic) under {', '.join(manifest.licences)}: {to}",
        )
        for why, number in manifest.left_out.items():
            say(f"Left behind: {number} {why}.")


@app.command("reviews")
def reviews(
    target: TargetArgument,
    source: Annotated[
        Path,
        typer.Option("--from", help="records.json of Argilla, or Label Studio's JSON export."),
    ],
    by: Annotated[
        str, typer.Option("--by", metavar="NAME", help="Who reviewed, where the tool does not say.")
    ] = "",
    run_dir: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read experts' decisions and labels back from Argilla or Label Studio."""
    from corpus.expert import read_reviews
    from rehearsal.console import emit_json, say, tell
    from rehearsal.writing import writing

    _, folder = find_target(target, run_dir)
    with writing(folder):
        found = read_reviews(folder, source, by)
    if as_json:
        emit_json(found.model_dump(mode="json"))
        return
    if found.reviews:
        decided = ", ".join(f"{n} {what}" for what, n in found.by_decision.items())
        say(f"{found.reviews} reviews of {found.records} records, {found.new} new: {decided}.")
        say(f"By: {', '.join(f'{who} ({n})' for who, n in found.by_person.items())}.")
        say(f"Kept in: {folder.expert_reviews}")
    else:
        say("No review was handed in yet.")
    if found.unanswered or found.unknown:
        say(f"{found.unanswered} records without an answer, {found.unknown} of other runs.")
    for skipped in found.skipped:
        tell(f"Left out: {skipped.reason}", "    ")


@app.command("stats")
def stats(target: TargetArgument, run_dir: RunOption = None, as_json: JsonOption = False) -> None:
    """Count what a run's corpus holds."""
    from rich.table import Table

    from corpus.stats import corpus_stats
    from rehearsal.console import emit_json, show

    _, folder = find_target(target, run_dir)
    found = corpus_stats(folder)
    if as_json:
        emit_json({name: each.model_dump(mode="json") for name, each in found.items()})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("where", "sessions", "high", "low", "turns", "words/therapist turn", "talk share"):
        table.add_column(head, justify="left" if head == "where" else "right")
    for name, row in found.items():
        table.add_row(
            name,
            f"{row.records:,}",
            f"{row.by_quality.get('high', 0):,}",
            f"{row.by_quality.get('low', 0):,}",
            f"{row.turns:,}",
            f"{row.words_per_therapist_turn:.1f}",
            f"{row.therapist_talk_share:.2f}",
        )
    show(table)


def _sign(folder: RunFolder, name: str) -> tuple[int, tuple[str, ...]]:
    """Sign for all at once; what is flagged is not used without somebody's saying so."""
    from corpus.signoff import ALL
    from corpus.signoff import sign_off as sign

    done = sign(folder, name, reject=(ALL,))
    return len(done.records), done.rejected


def _preview(source: Path, settings: Settings, ask: Ask | None, *, as_json: bool) -> None:
    from corpus.preview import preview
    from rehearsal.console import emit_json
    from rehearsal.reading import show_preview

    seen = preview(source, settings.corpus, ask)
    if as_json:
        emit_json(
            {
                "dry_run": True,
                **seen.summary.model_dump(mode="json"),
                "sample": [turn.model_dump(mode="json") for turn in seen.sample],
            }
        )
    else:
        show_preview(seen)


def show_ingest(summary: IngestSummary, folder: RunFolder) -> None:
    """Print what came in, what was skipped and why, and what to look at before signing."""
    from rehearsal.console import say
    from rehearsal.reading import show_left_out

    quality = ", ".join(f"{number} {name}" for name, number in summary.by_quality.items())
    say(
        f"{summary.records} real sessions read ({quality}); format: {', '.join(summary.formats)}.",
    )
    replaced = ", ".join(f"{number} {kind}" for kind, number in summary.spans.items())
    say(f"Replaced: {replaced or 'nothing'}.")
    if summary.flagged:
        say(f"Flagged: {summary.flagged} records: decide on each when you sign.")
    show_left_out(summary)
    say(f"Read before signing: {folder.review}")
