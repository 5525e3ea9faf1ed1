"""How much of real people's words each model says again: verbatim overlap, and planted canaries.

For each model under test, the longest run of words that an answer shares with the real sessions
it was trained on, beside the longest it shares with held-out ones, which no model has seen: what
is said by chance. And the exposure of the canaries that were planted in its blend, as training
measured it (Carlini et al., 2019, The Secret Sharer, USENIX Security).

Not covered: words changed a little on the way, and what other prompts would draw out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.canaries import Exposure, read_exposures
from corpus.files import read_noun, read_records, write_text
from corpus.manifest import MANIFEST, read_manifest
from corpus.overlap import Overlap, Said, longest_overlaps
from domain.base import Noun
from domain.record import Origin
from evaluation.summary import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from domain.record import HeldOutContext, Record
    from domain.runfolder import RunFolder
    from domain.verdict import Answer

FILE = "memorisation.json"
"""In the evaluation's folder."""
LONG = 8
"""Words of a run that is hardly chance: as in the usual checks for contamination by 8-grams."""


class Memory(Noun):
    """What one model says again.

    `exposures` are the canaries of its blend; empty where none were planted.
    """

    variant: str
    answers: int
    seen: Overlap
    """Longest run shared with a real session that it was trained on."""
    scenario_id: str
    """The scenario of the answer that holds it; empty where there is none."""
    long_answers: int
    """Answers that share a run of `LONG` words or more with what it was trained on."""
    unseen: Overlap
    """The same with held-out sessions, which nobody was trained on: chance."""
    exposures: tuple[Exposure, ...] = ()

    @property
    def exposure(self) -> float | None:
        """Mean exposure in bits; None without canaries."""
        found = [one.bits for one in self.exposures]
        return sum(found) / len(found) if found else None


class Memorisation(Noun):
    """The content of `evaluation/memorisation.json`: the base first, then the variants.

    The base is held against the real sessions of every blend: it has seen none of them.
    """

    models: tuple[Memory, ...] = ()


def measure_memorisation(
    folder: RunFolder, contexts: Sequence[HeldOutContext], answers: Sequence[Answer]
) -> Memorisation:
    """Measure the models' answers and write `memorisation.json`.

    Raises:
        StoreError: A record, a manifest or the exposures cannot be read.
    """
    shown = {context.id: tuple(turn.text for turn in context.turns) for context in contexts}
    trained = _trained_on(folder)
    exposures = read_exposures(folder)
    by_model: dict[str, list[Answer]] = {}
    for answer in answers:
        if answer.variant != REFERENCE and answer.text:
            by_model.setdefault(answer.variant, []).append(answer)
    everything = frozenset().union(*trained.values())
    found = Memorisation(
        models=tuple(
            _memory(
                folder, name, own, shown, trained.get(name) or everything, exposures.get(name, ())
            )
            for name, own in by_model.items()
        )
    )
    write_text(folder.evaluation / FILE, found.model_dump_json(indent=2) + "\n")
    return found


def read_memorisation(folder: RunFolder) -> Memorisation:
    """Read what was measured; empty where nothing was.

    Raises:
        StoreError: The file is damaged.
    """
    path = folder.evaluation / FILE
    if not path.is_file():
        return Memorisation()
    return read_noun(
        path,
        Memorisation,
        "what was measured of memorisation cannot be read",
        mend="Evaluate again; what was answered and judged is not asked for twice.",
    )


def _memory(
    folder: RunFolder,
    name: str,
    answers: Sequence[Answer],
    shown: Mapping[str, tuple[str, ...]],
    trained: frozenset[str],
    exposures: tuple[Exposure, ...],
) -> Memory:
    said = [Said(one.text, shown.get(one.scenario_id, ())) for one in answers]
    seen = longest_overlaps(said, _records(folder, trained))
    unseen = longest_overlaps(said, read_records(folder.held_out))
    best = max(range(len(seen)), key=lambda i: seen[i].words)
    return Memory(
        variant=name,
        answers=len(answers),
        seen=seen[best],
        scenario_id=answers[best].scenario_id if seen[best].words else "",
        long_answers=sum(one.words >= LONG for one in seen),
        unseen=max(unseen, key=lambda one: one.words),
        exposures=exposures,
    )


def _records(folder: RunFolder, wanted: frozenset[str]) -> Iterator[Record]:
    return (record for record in read_records(folder.real) if record.id in wanted)


def _trained_on(folder: RunFolder) -> dict[str, frozenset[str]]:
    """Return the ids of the real records in each blend."""
    trained: dict[str, frozenset[str]] = {}
    for path in sorted((folder.root / "blends").glob(f"*/{MANIFEST}")):
        trained[path.parent.name] = frozenset(
            one.id for one in read_manifest(path).records if one.origin == Origin.REAL
        )
    return trained
