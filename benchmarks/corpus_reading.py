"""What it costs to read transcripts: turns per second of CPU and peak memory, format by format.

`python -m benchmarks.corpus_reading [--turns 100000] [--laps 5] [--json]` makes a corpus of each
format from invented prose, and reads it in laps that alternate with a plain reference in the same
process: `csv.reader` or `json.loads` over the same bytes, keeping nothing. `read` is what our
readers do, from bytes to sessions: decoding, hashing, times, cleaning. `taken` goes on to roles and
joined turns. Memory is measured apart: a process of its own reads a small corpus and one of eight
times the size; what flat means is that the second peaks no higher.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.machine import machine
from benchmarks.meter import measured
from benchmarks.prose import Prose
from corpus.formats.detect import read_file
from corpus.formats.raw import RawSession
from corpus.intake import Intake
from domain.settings import ReadingSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.meter import Lap

TURNS_OF_A_SESSION = 40
LENGTHS = (30, 160, 60, 90)
"""Characters of the turns, in rotation: about AnnoMI's mean of 85."""
POOL = 3_001
GROWTH = 8

Session = list[tuple[str, str, float]]


def sessions_of(turns: int, seed: int = 7) -> Iterator[Session]:
    """Yield sessions of invented text, no two alike: speaker, text, seconds."""
    pool, number = _pool(seed), 0
    for session in range(turns // TURNS_OF_A_SESSION):
        said = []
        for n in range(TURNS_OF_A_SESSION):
            number += 1
            text = f"{pool[number * 7 % len(pool)]} And {session}{'.' if n % 2 else '?'}"
            said.append(("client" if n % 2 else "therapist", text, 5.0 * n))
        yield said


@cache
def _pool(seed: int) -> tuple[str, ...]:
    prose = Prose(seed)
    return tuple(prose.piece(LENGTHS[n % len(LENGTHS)]) for n in range(POOL))


def write_annomi(path: Path, sessions: Iterator[Session]) -> None:
    """AnnoMI's columns, one row to an utterance."""
    head = ("mi_quality", "transcript_id", "video_url", "topic", "utterance_id", "interlocutor",
            "timestamp", "utterance_text", "annotator_id")  # fmt: skip
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(head)
        for number, session in enumerate(sessions):
            for n, (who, text, start) in enumerate(session):
                clock = f"00:{int(start) // 60:02d}:{int(start) % 60:02d}"
                row = ("high", number, f"http://v/{number}", "work", n, who, clock, text, 4)
                writer.writerow(row)


def write_messages(path: Path, sessions: Iterator[Session]) -> None:
    """OpenAI's messages, one session to a line."""
    roles = {"client": "user", "therapist": "assistant"}
    with path.open("w") as stream:
        for session in sessions:
            messages = [{"role": roles[who], "content": text} for who, text, _ in session]
            stream.write(json.dumps({"messages": messages}) + "\n")


def write_esconv(path: Path, sessions: Iterator[Session]) -> None:
    """ESConv's array, indented by one space as it is published."""
    who = {"client": "seeker", "therapist": "supporter"}
    made = [
        {"dialog": [{"speaker": who[w], "annotation": {}, "content": text} for w, text, _ in one]}
        for one in sessions
    ]
    path.write_text(json.dumps(made, indent=1))


def write_whisper(path: Path, sessions: Iterator[Session]) -> None:
    """WhisperX, one transcript to a line."""
    with path.open("w") as stream:
        for session in sessions:
            segments = [
                {"start": at, "end": at + 4, "text": f" {text}", "speaker": who}
                for who, text, at in session
            ]
            stream.write(json.dumps({"segments": segments}) + "\n")


def write_parquet(path: Path, sessions: Iterator[Session]) -> None:
    """Messages in Parquet, a session to a row."""
    schema = pa.schema(
        [("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])))]
    )
    with pq.ParquetWriter(path, schema) as writer:
        for session in sessions:
            messages = [{"role": who, "content": text} for who, text, _ in session]
            writer.write_table(pa.Table.from_pylist([{"messages": messages}], schema=schema))


def write_vtt(path: Path, sessions: Iterator[Session]) -> None:
    """WebVTT, one file to a session."""
    path.mkdir()
    for number, session in enumerate(sessions):
        cues = [
            f"00:{int(at) // 60:02d}:{int(at) % 60:02d}.000 --> 01:00:00.000\n<v {who}>{text}\n"
            for who, text, at in session
        ]
        (path / f"{number:06d}.vtt").write_text("WEBVTT\n\n" + "\n".join(cues))


FORMATS: dict[str, tuple[str, Callable[[Path, Iterator[Session]], None], str]] = {
    "annomi": ("annomi.csv", write_annomi, "csv"),
    "openai": ("messages.jsonl", write_messages, "jsonl"),
    "esconv": ("esconv.json", write_esconv, "json"),
    "whisper": ("whisper.jsonl", write_whisper, "jsonl"),
    "parquet": ("messages.parquet", write_parquet, "parquet"),
    "vtt": ("vtt", write_vtt, "text"),
}


def _csv(path: Path) -> None:
    with path.open(newline="") as stream:
        for _ in csv.reader(stream):
            pass


def _lines(path: Path) -> None:
    with path.open() as stream:
        for line in stream:
            json.loads(line)


def _whole(path: Path) -> None:
    json.loads(path.read_text())


def _parquet(path: Path) -> None:
    for batch in pq.ParquetFile(path).iter_batches(batch_size=64):
        batch.to_pylist()


def _texts(path: Path) -> None:
    for one in sorted(path.iterdir()):
        one.read_text().split("\n")


REFERENCES: dict[str, Callable[[Path], None]] = {
    "csv": _csv,
    "jsonl": _lines,
    "json": _whole,
    "parquet": _parquet,
    "text": _texts,
}
"""The plainest readers of the same bytes; they keep nothing."""


def read(path: Path) -> int:
    """Read everything at `path` with our readers; return the utterances."""
    paths = sorted(path.iterdir()) if path.is_dir() else [path]
    return sum(
        len(session.utterances)
        for one in paths
        for session in read_file(one).sessions
        if isinstance(session, RawSession)
    )


def taken(path: Path) -> int:
    """Read, tell roles and join turns; return the turns."""
    return sum(len(one.turns) for one in Intake(path, ReadingSettings()).conversations())


def laps(path: Path, kind: str, turns: int, count: int) -> dict[str, list[Lap]]:
    """Measure the three in turn, `count` times over."""
    ways: dict[str, Callable[[], object]] = {
        "reference": lambda: REFERENCES[kind](path),
        "read": lambda: read(path),
        "taken": lambda: taken(path),
    }
    found: dict[str, list[Lap]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    for _ in range(count):
        for name, way in ways.items():
            with measured(turns) as lap:
                way()
            found[name].append(lap)
    return found


def peak_mb(path: Path) -> float:
    """Return the peak memory of a process of its own that takes everything at `path`."""
    command = [sys.executable, "-m", "benchmarks.corpus_reading", "--peak", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    return float(done.stdout)


def measure(name: str, turns: int, count: int, folder: Path) -> dict[str, float]:
    """Return the figures of one format."""
    file, write, kind = FORMATS[name]
    small, large = folder / file, folder / f"large-{file}"
    write(small, sessions_of(turns))
    write(large, sessions_of(turns * GROWTH, seed=8))
    rates = {
        way: statistics.median(lap.per_core_second for lap in found)
        for way, found in laps(small, kind, turns, count).items()
    }
    return {
        **{f"{way}_turns_per_cpu_s": round(rate) for way, rate in rates.items()},
        "times_reference": round(rates["reference"] / rates["read"], 2),
        "peak_mb": round(peak_mb(small), 1),
        f"peak_mb_at_{GROWTH}_times": round(peak_mb(large), 1),
    }


def _peak_kb() -> int:
    """Peak memory of this program alone: ru_maxrss would count what the parent had as well."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=40_000)
    parser.add_argument("--laps", type=int, default=5)
    parser.add_argument("--formats", nargs="*", default=list(FORMATS))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--peak", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        taken(options.peak)
        print(_peak_kb() / 1024)  # noqa: T201
        return
    found = {}
    for name in options.formats:
        with tempfile.TemporaryDirectory() as folder:
            found[name] = measure(name, options.turns, options.laps, Path(folder))
    said = {"machine": machine(("orjson", "pyarrow")), "turns": options.turns, "formats": found}
    if options.json:
        print(json.dumps(said, indent=2))  # noqa: T201
        return
    for name, figures in found.items():
        print(name, *(f"{key} {value:,}" for key, value in figures.items()), sep="  ")  # noqa: T201


if __name__ == "__main__":
    main()
