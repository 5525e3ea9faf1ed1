"""`rehearsal campaign export` and `repair`: the ledger as files for others, and mended."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rehearsal.options import JsonOption, RunArgument


def export(
    run: RunArgument,
    to: Annotated[
        Path | None, typer.Option("--to", help="Folder to write to; default: export/ in the run.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write sessions and calls as Parquet."""
    from campaigns.parquet import export_parquet
    from engine.spending.prices import tariff
    from rehearsal.console import emit_json, say
    from rehearsal.runs import open_run

    settings, folder = open_run(run)
    done = export_parquet(folder, to or folder.root / "export", tariff(settings))
    if as_json:
        emit_json(done)
        return
    say(f"{done.sessions:,} sessions: {done.sessions_file}")
    say(f"{done.calls:,} calls: {done.calls_file}")


def repair(run: RunArgument, as_json: JsonOption = False) -> None:
    """Keep what can be read of a damaged ledger, and say what is lost and will be asked again."""
    from dataclasses import asdict

    from campaigns.labels import label_of_result
    from campaigns.manifest import read_manifest
    from engine.ledger.repair import repair as mend
    from engine.lock import RunLock
    from rehearsal.console import emit_json, say
    from rehearsal.runs import open_run

    _, folder = open_run(run)
    with RunLock(folder.lock):
        manifest = read_manifest(folder)
        run_hash = None if manifest is None else manifest.run_hash
        repaired = mend(folder.ledger, run_hash, label_of_result)
    if as_json:
        emit_json([{**asdict(one), "totals": one.totals} for one in repaired])
        return
    if not repaired:
        say("Every shard is whole; nothing was changed.")
    for one in repaired:
        lost = "an unknown number of" if one.lost_calls is None else f"{one.lost_calls:,}"
        say(
            f"{one.shard}: kept {one.calls:,} calls and {one.results:,} finished sessions; lost "
            f"{lost} calls and {one.lost_results:,} finished sessions. The damaged file: "
            f"{one.moved_to}"
        )
        tokens = f" They had taken {one.lost_tokens:,} tokens." if one.lost_tokens else ""
        say(f"{one.totals}{tokens}")
    if repaired:
        say("`rehearsal campaign resume` asks again what unfinished sessions lack.")


def register(app: typer.Typer) -> None:
    """Add the verbs to `rehearsal campaign`."""
    app.command("export")(export)
    app.command("repair")(repair)
