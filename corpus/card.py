"""The dataset card: what an exported folder holds, where it is from, and what it is not."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import yaml

from corpus.data.files import load_text, load_yaml
from domain.base import Noun
from domain.record import Origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from corpus.forms.form import Form
    from corpus.stats import CorpusStats
    from domain.record import Record
    from domain.runfolder import RunFolder

_SESSION_FILES = (
    '- `messages.jsonl`: one session to a line, `{"id", "messages": [{"role", "content"}]}`. Lines'
    " stand in training order, and a session may stand there more than once.\n"
    "- `records.parquet`: one row per different record, turns as a list of structs, with source,"
    " licence, quality, provenance and `repeats`."
)
_MANIFEST = "- `manifest.json`: the ids of all records and the SHA-256 of each file."
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_LARGEST = "1M<n<10M"


Making = tuple[str, str, str, str]
"""What made a synthetic session: model, hash of the prompts, hash of the settings, seed."""


class Check(Noun):
    """One threshold of a comparison of synthetic with real sessions."""

    name: str
    value: str
    limit: str
    passed: bool


class CardFacts(Noun):
    """What the records themselves do not say."""

    name: str
    seed: int
    making: str = "Every record once, in the order of the run."
    """How the sessions were chosen, in a sentence."""
    checks: tuple[Check, ...] | None = None
    """How synthetic sessions compared with real ones; None where nobody compared them."""


def facts_of(folder: RunFolder, seed: int) -> CardFacts:
    """Return the facts of a run's export, with its comparison where there is one."""
    return CardFacts(name=folder.root.name, seed=seed, checks=checks_of(folder))


def checks_of(folder: RunFolder) -> tuple[Check, ...] | None:
    """Read the thresholds of the run's comparison; None where it is missing or unreadable."""
    try:
        found = json.loads(folder.comparison.read_bytes())
        return tuple(
            Check(
                name=str(one["name"]),
                value=f"{one['value']:.3g}",
                limit=f"{one['sense']} {one['limit']:g}",
                passed=bool(one["passed"]),
            )
            for one in found["checks"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def makings(records: Iterable[Record]) -> Counter[Making]:
    """Count synthetic records by model, prompts' hash, config's hash and seed."""
    return Counter(
        (made.model, made.prompts_hash, made.config_hash, str(made.seed))
        for record in records
        if record.origin is Origin.SYNTHETIC
        for made in (record.provenance,)
    )


def card_of(
    facts: CardFacts,
    stats: CorpusStats,
    made: Mapping[Making, int] | None = None,
    *,
    sessions: int,
    form: Form | None = None,
    left_out: Mapping[str, int] | None = None,
) -> str:
    """Return the card as Markdown with YAML front matter in the form of dataset hubs.

    `stats` describes the distinct records; `sessions` counts those that are written, repeats
    included; `made` counts synthetic ones by what made them.
    """
    head = yaml.safe_dump(_front(facts, stats, form), sort_keys=False, allow_unicode=True)
    body = load_text("card.md").format(
        name=facts.name,
        making=facts.making,
        seed=facts.seed,
        sessions=sessions,
        records=stats.records,
        groups=stats.groups,
        turns=stats.turns,
        words=stats.words,
        share=f"{stats.therapist_talk_share:.0%}",
        therapist_words=stats.words_per_therapist_turn,
        client_words=stats.words_per_client_turn,
        files=_files_of(form),
        left_out=_left_out(left_out or {}),
        made=_made(made or {}),
        validation=_validation(facts.checks, stats),
        tables="\n".join(
            _rows(title, counts)
            for title, counts in (
                ("origin", stats.by_origin),
                ("source", stats.by_source),
                ("licence", stats.by_licence),
                ("quality", stats.by_quality),
                ("identifiers", stats.by_status),
            )
        ),
    )
    return f"---\n{head}---\n\n{body}"


def _front(facts: CardFacts, stats: CorpusStats, form: Form | None) -> dict[str, Any]:
    front: dict[str, Any] = {
        "pretty_name": facts.name,
        "language": ["en"],
        **_licence(stats),
        "task_categories": ["text-generation"],
        "size_categories": [_size(stats.records)],
        "tags": ["counselling", "dialogue", "rehearsal", *stats.by_origin],
    }
    if form is None:
        front["configs"] = [
            {"config_name": "messages", "data_files": "messages.jsonl"},
            {"config_name": "records", "data_files": "records.parquet"},
        ]
    elif form.data_files:
        front["configs"] = [{"config_name": "default", "data_files": form.data_files}]
    return front


def _licence(stats: CorpusStats) -> dict[str, str]:
    """Return the hub's own name of the one licence, or `other` with all their names."""
    named = {name.lower() for name in stats.by_licence}
    if len(named) == 1 and named <= set(load_yaml("licences")["hub"]):
        return {"license": named.pop()}
    plain = [re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-") for name in stats.by_licence]
    return {"license": "other", "license_name": "-and-".join(name or "unstated" for name in plain)}


def _size(records: int) -> str:
    return next((name for limit, name in _SIZES if records < limit), _LARGEST)


def _files_of(form: Form | None) -> str:
    files = _SESSION_FILES if form is None else f"- {form.describes}"
    return f"{files}\n{_MANIFEST}"


def _left_out(counts: Mapping[str, int]) -> str:
    if not counts:
        return ""
    said = ", ".join(f"{number} {reason}" for reason, number in sorted(counts.items()))
    return f"\nSessions that stayed behind: {said}.\n"


def _made(counts: Mapping[Making, int]) -> str:
    if not counts:
        return ""
    lines = [
        "",
        "| sessions | therapist's model | prompts | settings | seed |",
        "|---|---|---|---|---|",
        *(
            f"| {number} | {_cell(model)} | `{prompts}` | `{config}` | {seed} |"
            for (model, prompts, config, seed), number in sorted(counts.items())
        ),
        "",
    ]
    return "\n".join(lines)


def _validation(checks: tuple[Check, ...] | None, stats: CorpusStats) -> str:
    if Origin.SYNTHETIC not in stats.by_origin:
        return "No session is synthetic: there is nothing to hold against real ones."
    if checks is None:
        return (
            "Synthetic sessions were not compared with real ones before this export"
            " (`rehearsal corpus compare` does)."
        )
    lines = ["| measure | value | threshold | met |", "|---|---|---|---|"]
    lines += [
        f"| {_cell(one.name)} | {one.value} | {one.limit} | {'yes' if one.passed else '**no**'} |"
        for one in checks
    ]
    return "\n".join(["The run's synthetic sessions against its real ones:", "", *lines])


def _cell(text: str) -> str:
    return text.replace("|", "/")


def _rows(title: str, counts: dict[str, int]) -> str:
    return "\n".join(f"| {title} | {_cell(name)} | {n} |" for name, n in counts.items())
