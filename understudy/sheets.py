"""What the system prompts say: the client's own life, and the therapist's form and plan."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from understudy.clauses import as_clause, split_list
from understudy.templates import read_data

LINE = re.compile(r"^([A-Z][A-Za-z ]+):[ \t]*(.*)(?=\n?([^\n#]*))", re.MULTILINE)
CACHED = 4096
"""Prompts kept; one per session in flight is enough."""


@dataclass(frozen=True, slots=True)
class ClientSheet:
    """A filled client.md. Lists hold clauses without a full stop, most telling first."""

    name: str
    style: str
    topic: str
    situation: str
    thoughts: tuple[str, ...]
    emotions: tuple[str, ...]
    behaviours: tuple[str, ...]
    rules: tuple[str, ...]
    core: tuple[str, ...]
    coping: tuple[str, ...]
    goals: tuple[str, ...]
    readiness: str
    risk: str
    risk_statement: str


@dataclass(frozen=True, slots=True)
class TherapistSheet:
    """A filled therapist.md. `technique` is a key of grammar/techniques.yaml."""

    name: str
    problem: str
    technique: str
    technique_name: str
    session: int
    agenda: tuple[str, ...]
    homework: str
    goals: tuple[str, ...]
    crisis_help: str


def _fields(prompt: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the labelled lines of a prompt, and the line that follows each."""
    found = LINE.findall(prompt)
    first = {label: value.strip() for label, value, _ in reversed(found)}
    return first, {label: after.strip() for label, _, after in reversed(found)}


@lru_cache(maxsize=CACHED)
def client_sheet(prompt: str) -> ClientSheet | None:
    """Read a client's system prompt; None when it is not laid out like ours."""
    lines, after = _fields(prompt)
    if "Situation" not in lines or "Automatic thoughts" not in lines:
        return None

    def several(label: str) -> tuple[str, ...]:
        return tuple(as_clause(item) for item in split_list(lines.get(label, "")))

    style = lines.get("Style", "").lower()
    risk = lines.get("Risk", "none").lower()
    text = " ".join(lines.get(label, "") for label in _TOPIC_LABELS)
    return ClientSheet(
        name=lines.get("Name", ""),
        style=style if style in read_data("styles") else "plain",
        topic=topic_of(text),
        situation=as_clause(lines["Situation"]),
        thoughts=several("Automatic thoughts"),
        emotions=tuple(feeling(item) for item in several("Emotions")),
        behaviours=several("Behaviours"),
        rules=several("Rules and assumptions you live by"),
        core=several("Core beliefs"),
        coping=several("How you cope"),
        goals=several("What you hope for"),
        readiness=lines.get("Readiness to change", "").lower(),
        risk=risk if after.get("Risk") else "none",
        risk_statement=as_clause(after.get("Risk", "")),
    )


_TOPIC_LABELS = (
    "Why you came",
    "Situation",
    "Automatic thoughts",
    "Emotions",
    "Behaviours",
    "Rules and assumptions you live by",
    "Core beliefs",
    "How you cope",
    "What you hope for",
    "History",
)


@lru_cache(maxsize=CACHED)
def therapist_sheet(prompt: str) -> TherapistSheet | None:
    """Read a therapist's system prompt; None when it is not laid out like ours."""
    lines, _ = _fields(prompt)
    if "Technique" not in lines or "Agenda to propose" not in lines:
        return None
    homework = as_clause(lines.get("Homework from last time", ""))
    help_text = re.search(r"offer human help:\s*(.+?)\s*(?:Never\b|$)", prompt, re.MULTILINE)
    number = re.search(r"in session (\d+)", prompt)
    return TherapistSheet(
        name=lines.get("Name", ""),
        problem=lines.get("Presenting problem", ""),
        technique=technique_of(lines["Technique"]),
        technique_name=as_clause(lines["Technique"]).lower(),
        session=int(number[1]) if number else 1,
        agenda=tuple(as_clause(item) for item in split_list(lines["Agenda to propose"])),
        homework="" if homework in ("none", "") else homework,
        goals=tuple(as_clause(item) for item in split_list(lines.get("Goals", ""))),
        crisis_help=help_text[1].rstrip(". ") if help_text else DEFAULT_HELP,
    )


DEFAULT_HELP = "the local emergency number, or a person you trust who can be with you now"


@lru_cache(maxsize=CACHED)
def topic_of(text: str) -> str:
    """Return the topic of grammar/topics.yaml whose words `text` uses most; `general` if none."""
    words = set(re.findall(r"[a-z]+", text.lower()))
    best, most = "general", 1
    for topic, entry in read_data("topics").items():
        assert isinstance(entry, dict)  # noqa: S101 - the file ships with the package
        hits = len(words & set(str(entry["words"]).split()))
        if hits > most:
            best, most = topic, hits
    return best


def technique_of(named: str) -> str:
    """Return the key in grammar/techniques.yaml for a technique's name; a general one if none."""
    asked = named.lower().replace("_", " ")
    for key, entry in read_data("techniques").items():
        assert isinstance(entry, dict)  # noqa: S101 - the file ships with the package
        if any(word.strip() in asked for word in str(entry["names"]).split(",")):
            return key
    return "unknown"


@lru_cache(maxsize=CACHED)
def feeling(word: str) -> str:
    """Return a feeling as an adjective: `shame (80)` becomes `ashamed`."""
    plain = re.sub(r"[\s(,:]*\d+\s*%?\)?|^(i feel|i am|i'm|feeling)\s+", "", word.lower()).strip()
    adjectives = read_data("feelings")["adjectives"]
    assert isinstance(adjectives, dict)  # noqa: S101 - the file ships with the package
    return str(adjectives.get(plain, plain))
