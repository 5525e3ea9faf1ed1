"""`rehearsal pack`: the packs that are there, and one of them tried out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rehearsal.options import JsonOption
from rehearsal.verbs import Verbs

if TYPE_CHECKING:
    from campaigns.packcheck import PackReport

app = Verbs(help="The domain packs: list them, check one.", no_args_is_help=True)


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the installed packs."""
    from agents.pack import load_pack
    from agents.packfolder import INSTALLED
    from rehearsal.console import emit_json, say

    packs = [load_pack(path.parent.name) for path in sorted(INSTALLED.glob("*/pack.yaml"))]
    if as_json:
        emit_json([{"name": p.name, "title": p.title, "hash": p.hash} for p in packs])
        return
    for pack in packs:
        say(f"{pack.name:<8} {pack.title}")


@app.command("check")
def check(
    name_or_path: Annotated[
        str, typer.Argument(metavar="PACK", help="An installed pack's name, or a pack's folder.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Read a pack, cast people from it, and fill every prompt; nothing is asked of a model."""
    from agents.pack import load_pack
    from campaigns.packcheck import check_pack
    from rehearsal.console import emit_json

    report = check_pack(load_pack(name_or_path))
    if as_json:
        emit_json(report)
    else:
        _show(report)


def _show(report: PackReport) -> None:
    from rehearsal.console import say, tell

    say(f"{report.name}: {report.title}")
    tell(", ".join(f"{count} {what}" for what, count in report.counts.items()))
    tell(f"{report.cast} people cast, every case among them.")
    tell(f"{report.prompts_filled:,} prompts filled.")
    notes = {
        "techniques that no problem uses": report.unused_techniques,
        "distortions that no thought shows": report.unused_distortions,
        "casting files of no problem": report.uncast_files,
    }
    for what, names in notes.items():
        tell(f"{what}: {', '.join(names) or 'none'}")
    for prompt, slots in report.unused_slots.items():
        tell(f"{prompt} leaves out: {', '.join(slots)}")
