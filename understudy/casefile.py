"""What a supervisor or a judge is given, read out of the request's filled prompts."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import zip_longest
from typing import NamedTuple

from domain.turn import Speaker, Turn

HIGHEST = 6
"""The scale's highest point where the prompt names none."""

_SCALE = re.compile(r"\bfrom 0 to (\d+)")
_HEADING = re.compile(r"^# (.+)$", re.MULTILINE)
_KEY = re.compile(
    r"^[ \t]*(?:[-*•]|\d+[.)])?[ \t]*"  # a bullet or a number
    r"[`*\"']*([a-z][a-z0-9_]*)[`*\"']*[ \t]*"  # the key, perhaps quoted
    r"(?:\([^)\n]*\))?[ \t]*(?::|—|–|-[ \t])",  # a name in brackets, then the question
    re.MULTILINE,
)
_FIELD = re.compile(r"^([A-Z][A-Za-z ]+): (.*)$", re.MULTILINE)
_TURN = re.compile(r"^(?:\[(\d+)\] )?(Therapist|Client): (.*)$", re.MULTILINE)


class Rules(NamedTuple):
    """The keys a supervisor is asked for, in the order of the prompt."""

    gates: tuple[str, ...]
    items: tuple[str, ...]
    flaws: tuple[str, ...]
    highest: int = HIGHEST
    """The scale's highest point: "from 0 to 4" among the items."""


class CaseFile(NamedTuple):
    """A session with its case: the fields above the transcript by label, and the turns."""

    fields: dict[str, str]
    turns: tuple[Turn, ...]


class ReplyCase(NamedTuple):
    """A conversation so far and the reply that is rated."""

    turns: tuple[Turn, ...]
    reply: str


def sections(text: str) -> dict[str, str]:
    """Return what stands under each `# heading`; the first of two equal headings counts."""
    found: dict[str, str] = {}
    marks = list(_HEADING.finditer(text))
    for mark, after in zip_longest(marks, marks[1:]):
        end = after.start() if after else len(text)
        found.setdefault(mark.group(1).strip().lower(), text[mark.end() : end].strip())
    return found


def _keys(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_KEY.findall(text)))


@lru_cache(maxsize=64)
def read_rules(system: str) -> Rules:
    """Read the keys of gates, items and kinds of flaw, and the scale, out of the prompt."""
    found = sections(system)
    gates, items, flaws = (_keys(found.get(name, "")) for name in ("gates", "items", "flaws"))
    scale = _SCALE.search(found.get("items", ""))
    return Rules(gates, items, flaws, int(scale[1]) if scale else HIGHEST)


def read_turns(text: str) -> tuple[Turn, ...]:
    """Read `[3] Therapist: …` lines; without numbers, turns are counted from 0."""
    turns = []
    for at, (number, speaker, said) in enumerate(_TURN.findall(text)):
        index = int(number) if number else at
        turns.append(Turn(index=index, speaker=Speaker(speaker.lower()), text=said or " "))
    return tuple(turns)


def read_case(user: str) -> CaseFile:
    """Read the supervisor's case. The transcript is all that follows its first heading."""
    head, _, transcript = user.partition("# Transcript\n")
    return CaseFile(dict(_FIELD.findall(head)), read_turns(transcript))


def read_reply_case(user: str) -> ReplyCase:
    """Read the judge's case: the conversation, and the reply after its heading."""
    conversation, _, reply = user.partition("\n# Reply to rate")
    return ReplyCase(read_turns(conversation), reply.strip())
