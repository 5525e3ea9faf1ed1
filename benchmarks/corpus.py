"""How the corpus grows: `python -m benchmarks.corpus 1000 10000 100000 --json`.

For each number of sessions and each stage, in a process of its own: time, CPU and peak memory.

- read: transcripts are read, roles told, broken turns joined (`corpus.intake`);
- deidentify: the same, and identifiers replaced; nothing is written;
- ingest: both, with the quarantine and its review written;
- dedupe: records are indexed, exact and near duplicates found (`corpus.bulk`);
- blend: that, and a hybrid, its variants and the control written as folders.

Sessions are made from `examples/transcripts`: lines of one role follow lines of the other, drawn
at random, with a number in every third, 20 turns each; one in twenty repeats another with a word
changed. They cost what real ones do and mean nothing. A line of JSON for each measurement is
appended to `--lines`; one that stands there already is not measured again. `--plot` draws them.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.machine import machine
from domain.record import Deidentification, Origin, Provenance, Quality, Record
from domain.runfolder import RunFolder
from domain.settings import ReadingSettings, Settings
from domain.turn import Speaker, Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "examples" / "transcripts"
TURNS = 20
REPEATED = 20
"""One in so many sessions nearly repeats the one before."""
STAGES = ("read", "deidentify", "ingest", "dedupe", "blend")
PACKAGES = ("duckdb", "rensa", "pyarrow", "pydantic", "numpy")


def conversations(sessions: int) -> Iterator[list[tuple[Speaker, str]]]:
    """Yield made sessions, always the same."""
    from corpus.intake import Intake

    said: dict[Speaker, list[str]] = {speaker: [] for speaker in Speaker}
    for one in Intake(SAMPLES, ReadingSettings()).conversations():
        for turn in one.turns:
            said[turn.speaker].append(turn.text)
    draw = random.Random(7)
    last: list[tuple[Speaker, str]] = []
    for number in range(sessions):
        if number % REPEATED == REPEATED - 1:
            last = [(speaker, text.replace(" the ", " this ", 1)) for speaker, text in last]
        else:
            last = [_line(said, draw, place) for place in range(TURNS)]
        yield last


def _line(said: dict[Speaker, list[str]], draw: random.Random, place: int) -> tuple[Speaker, str]:
    speaker = (Speaker.THERAPIST, Speaker.CLIENT)[place % 2]
    text = draw.choice(said[speaker])
    return speaker, f"{text} That was {draw.randrange(10**6)} of them." if place % 3 == 0 else text


def prepare_transcripts(sessions: int, folder: Path) -> None:
    """Write the sessions as chat JSONL."""
    with (folder / "chats.jsonl").open("w", encoding="utf-8") as stream:
        for number, turns in enumerate(conversations(sessions)):
            lines = [{"speaker": speaker.value, "text": text} for speaker, text in turns]
            stream.write(json.dumps({"group": f"client {number}", "turns": lines}) + "\n")


def prepare_records(sessions: int, folder: Path) -> None:
    """Write them as a run's records: one in ten real and signed for, the others synthetic."""
    from corpus.files import write_nouns
    from corpus.signoff import sign_off

    run = RunFolder(folder)
    every = enumerate(conversations(sessions))
    write_nouns(run.quarantine, (_record(n, turns) for n, turns in every if n < sessions // 10))
    sign_off(run, "a benchmark")
    every = enumerate(conversations(sessions))
    made = (_record(n, turns, Origin.SYNTHETIC) for n, turns in every if n >= sessions // 10)
    write_nouns(run.synthetic, made)


def _record(number: int, turns: list[tuple[Speaker, str]], origin: Origin = Origin.REAL) -> Record:
    return Record(
        origin=origin,
        source="made",
        licence="Apache-2.0",
        topic=f"topic {number % 12}",
        group=f"group-{number}",
        quality=Quality.HIGH,
        deidentification=Deidentification.SCREENED
        if origin is Origin.REAL
        else Deidentification.NOT_NEEDED,
        turns=tuple(Turn(index=i, speaker=s, text=text) for i, (s, text) in enumerate(turns)),
        provenance=Provenance(source_hash=f"{number:064d}"),
    )


def read(folder: Path) -> int:
    """Read the transcripts."""
    from corpus.intake import Intake

    return sum(1 for _ in Intake(folder / "chats.jsonl", ReadingSettings()).conversations())


def deidentify(folder: Path) -> int:
    """Read them and replace identifiers."""
    from corpus.deidentify import deidentify as replace
    from corpus.intake import Intake

    count = 0
    for one in Intake(folder / "chats.jsonl", ReadingSettings()).conversations():
        replace([turn.text for turn in one.turns], [], count)
        count += 1
    return count


def ingest(folder: Path) -> int:
    """Take them into quarantine."""
    from corpus.ingest import ingest as take_in

    settings = Settings(name="bench").corpus
    return take_in(folder / "chats.jsonl", RunFolder(folder / "run"), settings).records


def dedupe(folder: Path) -> int:
    """Find duplicates among a run's records."""
    from corpus.bulk.dedupe import sift

    run = RunFolder(folder)
    return len(
        sift([run.real, run.synthetic], Settings(name="bench").corpus.blend.near_duplicate).index
    )


def blend(folder: Path) -> int:
    """Blend a run's records."""
    from corpus.blend import blend as mix

    made = mix(Settings(name="bench"), RunFolder(folder))
    return sum(one.sessions for one in made.values())


_PREPARE: dict[str, Callable[[int, Path], None]] = {
    **dict.fromkeys(STAGES[:3], prepare_transcripts),
    **dict.fromkeys(STAGES[3:], prepare_records),
}
_RUN: dict[str, Callable[[Path], int]] = {
    "read": read, "deidentify": deidentify, "ingest": ingest, "dedupe": dedupe, "blend": blend,
}  # fmt: skip


def measure(stage: str, sessions: int) -> dict[str, Any]:
    """Run one stage in a process of its own, over material that another has made."""
    with tempfile.TemporaryDirectory() as scratch:
        for part in ("prepare", "run"):
            command = [sys.executable, "-m", "benchmarks.corpus", str(sessions)]
            command += ["--child", part, "--stages", stage, "--folder", scratch]
            said = subprocess.run(  # noqa: S603 - our own interpreter and module
                command, cwd=ROOT, check=True, capture_output=True, text=True
            ).stdout
    found: dict[str, Any] = json.loads(said)
    return {"stage": stage, "sessions": sessions, **found, "machine": machine(PACKAGES)}


def _child(part: str, stage: str, sessions: int, folder: Path) -> None:
    if part == "prepare":
        _PREPARE[stage](sessions, folder)
        return
    begun = time.monotonic()
    before = _cpu()
    handled = _RUN[stage](folder)
    cpu, wall = _cpu() - before, time.monotonic() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {
        "handled": handled,
        "wall_s": round(wall, 2),
        "cpu_s": round(cpu, 2),
        "sessions_per_cpu_s": round(sessions / cpu, 1),
        "turns_per_cpu_s": round(sessions * TURNS / cpu),
        "peak_mb": round(peak),
    }
    sys.stdout.write(json.dumps(found) + "\n")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def plot(lines: list[dict[str, Any]], path: Path) -> None:
    """Draw CPU time and peak memory over the number of sessions."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    colours = dict(
        zip(STAGES, ("#56B4E9", "#CC79A7", "#D55E00", "#009E73", "#0072B2"), strict=True)
    )
    marks = dict(zip(STAGES, "o^vsD", strict=True))
    style: dict[Any, Any] = {"font.size": 9, "svg.hashsalt": "rehearsal", "svg.fonttype": "path"}
    with mpl.rc_context(style):
        figure = Figure(figsize=(6.6, 3.2), layout="constrained")
        left, right = figure.subplots(1, 2)
        for stage in STAGES:
            own = sorted((one for one in lines if one["stage"] == stage), key=_size)
            if not own:
                continue
            sizes = [one["sessions"] for one in own]
            looks = {"color": colours[stage], "marker": marks[stage], "label": stage}
            left.plot(sizes, [1000 * one["cpu_s"] / one["sessions"] for one in own], **looks)
            right.plot(sizes, [one["peak_mb"] for one in own], **looks)
        for axes, title in ((left, "CPU ms per session"), (right, "peak memory, MB")):
            axes.set_xscale("log")
            axes.set_ylim(0)
            axes.set_xlabel(f"sessions of {TURNS} turns")
            axes.set_title(title, loc="left", fontsize=9)
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(alpha=0.25)
        left.set_yscale("log")
        left.legend(frameon=False, fontsize=8)
        figure.savefig(path, metadata={"Date": None})


def _size(line: dict[str, Any]) -> int:
    return int(line["sessions"])


def main() -> None:
    """Measure what is not measured yet, and say all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sessions", type=int, nargs="*", default=[1000, 10_000, 100_000])
    parser.add_argument("--stages", default=",".join(STAGES))
    parser.add_argument("--lines", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", choices=("prepare", "run"))
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    stages = asked.stages.split(",")
    if asked.child:
        _child(asked.child, stages[0], asked.sessions[0], asked.folder)
        return
    known = _known(asked.lines)
    for sessions in asked.sessions:
        for stage in stages:
            if not any((one["stage"], one["sessions"]) == (stage, sessions) for one in known):
                known.append(measure(stage, sessions))
                _append(asked.lines, known[-1])
    if asked.plot:
        plot(known, asked.plot)
    if asked.json:
        sys.stdout.write(json.dumps(known) + "\n")
    else:
        _show(known)


def _known(path: Path | None) -> list[dict[str, Any]]:
    if path is None or not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _append(path: Path | None, line: dict[str, Any]) -> None:
    if path is not None:
        with path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")


def _show(lines: list[dict[str, Any]]) -> None:
    sys.stdout.write(
        "| stage | sessions | sessions/s and core | CPU s | peak MB |\n|---|---|---|---|---|\n"
    )
    for one in sorted(lines, key=lambda one: (STAGES.index(one["stage"]), one["sessions"])):
        sys.stdout.write(
            f"| {one['stage']} | {one['sessions']:,} | {one['sessions_per_cpu_s']:,.0f} |"
            f" {one['cpu_s']:,.1f} | {one['peak_mb']:,} |\n"
        )


if __name__ == "__main__":
    main()
