"""How the corpus grows: `python -m benchmarks.corpus 1000 10000 100000 --json`.

For each number of sessions and each stage, in a process of its own: time, CPU and peak memory.

- read: transcripts are read, roles told, broken turns joined (`corpus.intake`);
- ingest: that, identifiers replaced, turns that speak to a machine flagged, the quarantine and its
  review written;
- deidentify: the part of ingest in which identifiers are replaced, timed in the same process;
- dedupe: records are indexed, exact and near duplicates found (`corpus.bulk`);
- blend: that, and a hybrid, its variants and the control written as folders.

Sessions are made from `examples/transcripts`: lines of one role follow lines of the other, drawn
at random, 5 turns each of lines of up to 80 characters, so that a hundred thousand can be afforded;
a line in two goes on with two words of the samples, so that few are said twice, and one session in
twenty repeats another with a word changed. They cost what real ones of that length do and mean
nothing: the samples are full of identifiers, and the words added are no numbers, because each long
number costs Presidio 2 ms.

What a process holds before it begins, with modules, word lists, Presidio and DuckDB loaded by 200
sessions, is `start_mb`; `peak_mb` is the most it held from there on.

A line of JSON for each measurement is appended to `--lines`; one that stands there already is not
measured again. `--plot` draws them.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.machine import machine
from benchmarks.meter import measured
from domain.record import Deidentification, Origin, Provenance, Quality, Record
from domain.runfolder import RunFolder
from domain.settings import ReadingSettings, Settings
from domain.turn import Speaker, Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "examples" / "transcripts"
TURNS = 5
LONGEST = 80
"""Characters of a line."""
REPEATED = 20
"""One in so many sessions nearly repeats the one before."""
WARM = 200
"""Sessions that a process has gone through before it is measured."""
STAGES = ("read", "ingest", "deidentify", "dedupe", "blend")
PACKAGES = ("duckdb", "rensa", "pyarrow", "pydantic", "numpy")


def conversations(sessions: int) -> Iterator[list[tuple[Speaker, str]]]:
    """Yield made sessions, always the same."""
    from corpus.intake import Intake

    said: dict[Speaker, list[str]] = {speaker: [] for speaker in Speaker}
    for one in Intake(SAMPLES, ReadingSettings()).conversations():
        for turn in one.turns:
            if len(turn.text) <= LONGEST:
                said[turn.speaker].append(turn.text)
    every = " ".join(text for texts in said.values() for text in texts)
    words = sorted({word for word in re.findall("[a-z]+", every) if len(word) > 3})
    draw = random.Random(7)
    last: list[tuple[Speaker, str]] = []
    for number in range(sessions):
        if number % REPEATED == REPEATED - 1:
            last = [(speaker, text.replace(" the ", " this ", 1)) for speaker, text in last]
        else:
            last = [_line(said, words, draw, place) for place in range(TURNS)]
        yield last


def _line(
    said: dict[Speaker, list[str]], words: list[str], draw: random.Random, place: int
) -> tuple[Speaker, str]:
    speaker = (Speaker.THERAPIST, Speaker.CLIENT)[place % 2]
    text = draw.choice(said[speaker])
    if place % 4 < 2:
        text += f" It was {draw.choice(words)} and {draw.choice(words)}."
    return speaker, text


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
    "read": prepare_transcripts,
    "ingest": prepare_transcripts,
    "dedupe": prepare_records,
    "blend": prepare_records,
}
_RUN: dict[str, Callable[[Path], int]] = {
    "read": read, "ingest": ingest, "dedupe": dedupe, "blend": blend,
}  # fmt: skip
PARTS = {"deidentify": "ingest"}
"""Stages that are timed as a part of another."""


def measure(stage: str, sessions: int, scratch: Path) -> list[dict[str, Any]]:
    """Run one stage in a process of its own, over material under `scratch` that others have made.

    Material is made once for all stages that take the same. What is timed as a part of the stage
    is measured with it.
    """
    prepare = _PREPARE[stage]
    folders = [scratch / f"{prepare.__name__}-{size}" for size in (sessions, WARM)]
    for folder, size in zip(folders, (sessions, WARM), strict=True):
        if not folder.exists():
            folder.mkdir(parents=True)
            _child("prepare", stage, size, folder)
    found: list[dict[str, Any]] = json.loads(_child("run", stage, sessions, *folders))
    return [{**one, "machine": machine(PACKAGES)} for one in found]


def _child(part: str, stage: str, sessions: int, *folders: Path) -> str:
    command = [sys.executable, "-m", "benchmarks.corpus", str(sessions), "--child", part]
    command += ["--stages", stage, "--folders", *map(str, folders)]
    return subprocess.run(  # noqa: S603 - our own interpreter and module
        command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def _run(stage: str, sessions: int, folder: Path, warm: Path) -> None:
    """Measure one stage in this process, and say it."""
    inside = _clocked() if stage == PARTS["deidentify"] else None
    _RUN[stage](warm)
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the peak begins anew
    start, before = _memory("VmRSS"), inside() if inside else 0.0
    with measured(sessions) as lap:
        handled = _RUN[stage](folder)
    said = {
        "sessions": sessions,
        "handled": handled,
        "wall_s": round(lap.wall_s, 2),
        "start_mb": round(start),
        "peak_mb": round(_memory("VmHWM")),
    }
    times = {stage: lap.cpu_s} | ({"deidentify": inside() - before} if inside else {})
    found = [
        {
            "stage": name,
            **said,
            "cpu_s": round(cpu, 2),
            "sessions_per_cpu_s": round(sessions / cpu, 1),
            "turns_per_cpu_s": round(sessions * TURNS / cpu),
        }
        for name, cpu in times.items()
    ]
    sys.stdout.write(json.dumps(found) + "\n")


def _clocked() -> Callable[[], float]:
    """Have the CPU of every de-identification of `corpus.ingest` added up; return what asks it."""
    from corpus import ingest as module

    names, spent = vars(module), [0.0]
    replace = names["deidentify"]

    def clocked(*args: Any) -> Any:  # noqa: ANN401 - what `deidentify` takes and gives
        begun = time.process_time()
        try:
            return replace(*args)
        finally:
            spent[0] += time.process_time() - begun

    names["deidentify"] = clocked
    return lambda: spent[0]


def _memory(name: str) -> float:
    """Return a figure of this process in MB; `ru_maxrss` would count what its parent had."""
    said = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(said.split(f"{name}:")[1].split()[0]) / 1000


def plot(lines: list[dict[str, Any]], path: Path) -> None:
    """Draw CPU time for each session, and what memory is taken, over the number of sessions.

    On white, so that it can be read where the page is dark.
    """
    from corpus.compare.style import INK, new_figure, styled

    with styled():
        figure = new_figure(3.1)
        left, right = figure.subplots(1, 2)
        for stage, (colour, mark) in zip(STAGES, _LOOKS, strict=True):
            own = sorted((one for one in lines if one["stage"] == stage), key=_size)
            sizes = [one["sessions"] for one in own]
            looks = {"color": colour, "marker": mark, "markersize": 5, "label": stage}
            left.plot(sizes, [1000 * one["cpu_s"] / one["sessions"] for one in own], **looks)
            if stage not in PARTS:  # its memory is that of the whole
                right.plot(sizes, [one["peak_mb"] - one["start_mb"] for one in own], **looks)
        left.set_yscale("log")
        left.set_title("CPU for a session, ms")
        right.set_title("peak memory above the start, MB")
        right.set_ylim(0, max(100, right.get_ylim()[1]))
        for axes in (left, right):
            axes.set_xscale("log")
            axes.set_xlabel(f"sessions of {TURNS} turns", color=INK)
            axes.grid(visible=True)
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=5,
                      frameon=False)  # fmt: skip
        figure.set_facecolor("white")
        figure.savefig(path, metadata={"Date": None, "Creator": None})


_LOOKS = (("#56B4E9", "o"), ("#CC79A7", "^"), ("#D55E00", "v"), ("#009E73", "s"), ("#0072B2", "D"))
"""Colour and mark of each stage (Okabe and Ito, Color Universal Design, 2008)."""


def _size(line: dict[str, Any]) -> int:
    return int(line["sessions"])


def main() -> None:
    """Measure what is not measured yet, and say all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sessions", type=int, nargs="*", default=[1000, 10_000, 100_000])
    parser.add_argument("--stages", default=",".join(STAGES))
    parser.add_argument("--lines", type=Path, default=ROOT / "docs" / "corpus-scale.jsonl")
    parser.add_argument("--plot", type=Path, help="an SVG file, e.g. docs/corpus-scale.svg")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", choices=("prepare", "run"), help=argparse.SUPPRESS)
    parser.add_argument("--folders", type=Path, nargs="*", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    stages = asked.stages.split(",")
    if asked.child == "prepare":
        _PREPARE[stages[0]](asked.sessions[0], *asked.folders)
        return
    if asked.child == "run":
        _run(stages[0], asked.sessions[0], *asked.folders)
        return
    known = _known(asked.lines)
    for sessions in asked.sessions:
        with tempfile.TemporaryDirectory() as scratch:
            for stage in dict.fromkeys(PARTS.get(stage, stage) for stage in stages):
                if not any((one["stage"], one["sessions"]) == (stage, sessions) for one in known):
                    found = measure(stage, sessions, Path(scratch))
                    known += found
                    _append(asked.lines, found)
    if asked.plot:
        plot(known, asked.plot)
    if asked.json:
        sys.stdout.write(json.dumps(known) + "\n")
    else:
        _show(known)


def _known(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _append(path: Path, lines: list[dict[str, Any]]) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.writelines(json.dumps(line) + "\n" for line in lines)


def _show(lines: list[dict[str, Any]]) -> None:
    sys.stdout.write(
        "| stage | sessions | sessions/s and core | CPU s | MB at the start | MB at the peak |\n"
        "|---|---|---|---|---|---|\n"
    )
    for one in sorted(lines, key=lambda one: (STAGES.index(one["stage"]), one["sessions"])):
        sys.stdout.write(
            f"| {one['stage']} | {one['sessions']:,} | {one['sessions_per_cpu_s']:,.0f} |"
            f" {one['cpu_s']:,.1f} | {one['start_mb']:,} | {one['peak_mb']:,} |\n"
        )


if __name__ == "__main__":
    main()
