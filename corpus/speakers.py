"""Who is the therapist and who the client: by config, by the labels, else by who asks questions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from corpus.data.files import load_yaml
from domain.errors import TranscriptError
from domain.turn import Speaker

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from corpus.formats.raw import Utterance
    from domain.settings import ReadingSettings

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")

Told = str
"""How roles were told: `config`, `format`, `name`, `elimination`, `questions` or `answer`."""

Ask = Callable[[str, "Mapping[str, Sequence[str]]"], str | None]
"""Asks a person which label is the therapist's: the place, and by label some of what it says.

Returns the label, or None when the person does not know."""

SHOWN = 3
"""Utterances of each speaker that a person is shown."""


@dataclass(frozen=True)
class Roles:
    """Speaker by label; a label that is missing is nobody in the conversation.

    `assumed` says in words what was not in the labels; empty where nothing was assumed.
    """

    by_label: dict[str, Speaker]
    assumed: str = ""
    told: Told = "name"


@cache
def _words_of(kind: str) -> frozenset[str]:
    return frozenset(load_yaml("roles")[kind])


def _words(label: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(label)]


@lru_cache(maxsize=4096)
def _role(label: str) -> Speaker | None:
    found = {
        speaker for speaker in Speaker for word in _words(label) if word in _words_of(speaker.value)
    }
    return found.pop() if len(found) == 1 else None


@lru_cache(maxsize=4096)
def is_nobody(label: str) -> bool:
    """Tell a narrator, a recording or a system message."""
    return any(word in _words_of("nobody") for word in _words(label))


def is_role_label(label: str) -> bool:
    """Tell a label that names a role or nobody: at most three words, one of them known."""
    return len(_words(label)) <= 3 and (_role(label) is not None or is_nobody(label))


@lru_cache(maxsize=4096)
def name_in(label: str) -> str:
    """Return the person's name in a label, "" where it only names a role."""
    known = _words_of("therapist") | _words_of("client") | _words_of("nobody") | _words_of("titles")
    parts = [word for word in _WORD.findall(label) if word.lower() not in known]
    return " ".join(part for part in parts if part[0].isupper())


def assign_roles(
    utterances: Sequence[Utterance],
    place: str,
    reading: ReadingSettings | None = None,
    of_format: Mapping[str, Speaker] | None = None,
    ask: Ask | None = None,
) -> Roles:
    """Return who each label is.

    What the config says goes first, then what the format defines, then words in the labels. One
    that is left is the other side of those known; of two that are left, the one who asks clearly
    more questions is taken for the therapist. Where that is unclear too, `ask` asks a person.

    Raises:
        TranscriptError: Not two sides, or nothing tells them apart.
    """
    labels = list(dict.fromkeys(said.speaker for said in utterances))
    given = _given(labels, reading) if reading else {}
    labels = [label for label in labels if label in given or not is_nobody(label)]
    known: dict[str, Speaker | None] = {}
    for label in labels:
        role = given.get(label) or (of_format or {}).get(label.lower()) or _role(label)
        if label in given or role is not None:
            known[label] = role
    unknown = [label for label in labels if label not in known]
    sides = {label: role for label, role in known.items() if role is not None}
    if not unknown and len(set(sides.values())) == 2:
        return Roles(sides, told="config" if given else "format" if of_format else "name")
    if len(unknown) == 1 and len(set(sides.values())) == 1:
        other = _other(next(iter(sides.values())))
        assumed = f"the speaker without a role is taken for the {other.value}"
        return Roles({**sides, unknown[0]: other}, assumed, "elimination")
    if len(unknown) == 2 and not sides:
        return _by_questions(utterances, unknown, place, ask)
    raise _refused(place, f"{len(labels)} speakers, {len(unknown)} of unknown role")


def _given(labels: Sequence[str], reading: ReadingSettings) -> dict[str, Speaker | None]:
    """Return what the config says of these labels; None for nobody."""
    said: dict[str, Speaker | None] = {
        **dict.fromkeys(map(str.lower, reading.nobody)),
        **dict.fromkeys(map(str.lower, reading.client), Speaker.CLIENT),
        **dict.fromkeys(map(str.lower, reading.therapist), Speaker.THERAPIST),
    }
    return {label: said[label.lower()] for label in labels if label.lower() in said}


def _other(role: Speaker) -> Speaker:
    return Speaker.CLIENT if role is Speaker.THERAPIST else Speaker.THERAPIST


def _by_questions(
    utterances: Sequence[Utterance], labels: list[str], place: str, ask: Ask | None
) -> Roles:
    asked = Counter(dict.fromkeys(labels, 0))
    asked.update(
        u.speaker for u in utterances if u.text.rstrip().endswith("?") and u.speaker in asked
    )
    (more, most), (fewer, least) = asked.most_common(2)
    rule = load_yaml("roles")["questions"]
    if most < least * rule["ratio"] or most - least < rule["margin"]:
        return _answered(utterances, labels, place, ask, f"{most} and {least} questions")
    return Roles(
        {more: Speaker.THERAPIST, fewer: Speaker.CLIENT},
        f"the labels name no role: the speaker with {most} questions is taken for the therapist, "
        f"the one with {least} for the client",
        "questions",
    )


def _answered(
    utterances: Sequence[Utterance], labels: list[str], place: str, ask: Ask | None, unclear: str
) -> Roles:
    """Ask a person, where there is one to ask."""
    shown = {
        label: [said.text for said in utterances if said.speaker == label][:SHOWN]
        for label in labels
    }
    answer = ask(place, shown) if ask else None
    if answer not in labels:
        raise _refused(place, unclear)
    by_label = {label: Speaker.THERAPIST if label == answer else Speaker.CLIENT for label in labels}
    return Roles(by_label, "a person said who is the therapist", "answer")


def _refused(place: str, got: str) -> TranscriptError:
    return TranscriptError(
        "it is not clear who is the therapist and who the client",
        where=place,
        expected="two sides, named in the labels or told apart by who asks the questions",
        got=got,
        mend="Say it: --therapist LABEL --client LABEL (or corpus.reading in the run file), or"
        " write Therapist: and Client: into the labels.",
    )
