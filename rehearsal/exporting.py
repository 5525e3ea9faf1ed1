"""`rehearsal corpus export` and `reviews`: records out, and what experts said of them back in."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rehearsal.options import JsonOption, RunOption, TargetArgument, find_target, present


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

    present(source, "--from")
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
