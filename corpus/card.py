"""The dataset card: what an exported folder holds, where it is from, and what it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from corpus.data.files import load_text
from domain.base import Noun

if TYPE_CHECKING:
    from corpus.stats import CorpusStats


class CardFacts(Noun):
    """What the records themselves do not say."""

    name: str
    seed: int
    making: str = "Every record once, in the order of the run."
    """How the sessions were chosen, in a sentence."""


def card_of(facts: CardFacts, stats: CorpusStats, sessions: int) -> str:
    """Return the card as Markdown with YAML front matter in the form of dataset hubs.

    `stats` describes the distinct records; `sessions` counts the lines of messages.jsonl.
    """
    head = yaml.safe_dump(_front(facts, stats), sort_keys=False, allow_unicode=True)
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


def _front(facts: CardFacts, stats: CorpusStats) -> dict[str, object]:
    return {
        "pretty_name": facts.name,
        "language": ["en"],
        "license": "other",
        "license_name": " and ".join(stats.by_licence),
        "task_categories": ["text-generation"],
        "tags": ["counselling", "dialogue", *stats.by_origin],
        "configs": [
            {"config_name": "messages", "data_files": "messages.jsonl"},
            {"config_name": "records", "data_files": "records.parquet"},
        ],
    }


def _rows(title: str, counts: dict[str, int]) -> str:
    return "\n".join(f"| {title} | {name.replace('|', '/')} | {n} |" for name, n in counts.items())
