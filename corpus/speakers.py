"""Who is the therapist and who the client: by the labels, else by who asks the questions."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from corpus.data.files import load_yaml
from domain.errors import TranscriptError
from domain.turn import Speaker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corpus.formats.raw import Utterance

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


@dataclass(frozen=True)
class Roles:
    """Speaker by label; a label that is missing is nobody in the conversation.

    `assumed` says in words what was not in the labels; empty where nothing was assumed.
    """

    by_label: dict[str, Speaker]
    assumed: str = ""


def _data() -> dict[str, Any]:
    return load_yaml("roles")


def _words(label: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(label)]


def _role(label: str) -> Speaker | None:
    found = {
        speaker for speaker in Speaker for word in _words(label) if word in _data()[speaker.value]
    }
    return found.pop() if len(found) == 1 else None


def is_nobody(label: str) -> bool:
    """Tell a narrator, a recording or a system message."""
    return any(word in _data()["nobody"] for word in _words(label))


def is_role_label(label: str) -> bool:
    """Tell a label that names a role or nobody: at most three words, one of them known."""
    return len(_words(label)) <= 3 and (_role(label) is not None or is_nobody(label))


def name_in(label: str) -> str:
    """Return the person's name in a label, "" where it only names a role."""
    data = _data()
    known = {*data["therapist"], *data["client"], *data["nobody"], *data["titles"]}
    parts = [word for word in _WORD.findall(label) if word.lower() not in known]
    return " ".join(part for part in parts if part[0].isupper())


def assign_roles(utterances: Sequence[Utterance], place: str) -> Roles:
    """Return who each label is.

    A label names its role, or it is the other of two, or the one of two who asks clearly more
    questions is taken for the therapist (and that is said).

    Raises:
        TranscriptError: Not two sides, or nothing tells them apart.
    """
    labels = [
        label for label in dict.fromkeys(u.speaker for u in utterances) if not is_nobody(label)
    ]
    known = {label: role for label in labels if (role := _role(label)) is not None}
    unknown = [label for label in labels if label not in known]
    if len(unknown) == 1 and len(set(known.values())) == 1:
        other = _other(next(iter(known.values())))
        return Roles(
            {**known, unknown[0]: other},
            f"the speaker without a role is taken for the {other.value}",
        )
    if len(unknown) == 2 and not known:
        return _by_questions(utterances, unknown, place)
    if unknown or len(set(known.values())) != 2:
        raise _refused(place, f"{len(labels)} speakers, {len(unknown)} of unknown role")
    return Roles(known)


def _other(role: Speaker) -> Speaker:
    return Speaker.CLIENT if role is Speaker.THERAPIST else Speaker.THERAPIST


def _by_questions(utterances: Sequence[Utterance], labels: list[str], place: str) -> Roles:
    asked = Counter(dict.fromkeys(labels, 0))
    asked.update(
        u.speaker for u in utterances if u.text.rstrip().endswith("?") and u.speaker in asked
    )
    (more, most), (fewer, least) = asked.most_common(2)
    rule = _data()["questions"]
    if most < least * rule["ratio"] or most - least < rule["margin"]:
        raise _refused(place, f"{most} and {least} questions")
    return Roles(
        {more: Speaker.THERAPIST, fewer: Speaker.CLIENT},
        f"the labels name no role: the speaker with {most} questions is taken for the therapist, "
        f"the one with {least} for the client",
    )


def _refused(place: str, got: str) -> TranscriptError:
    return TranscriptError(
        "it is not clear who is the therapist and who the client",
        where=place,
        expected="two sides, named in the labels or told apart by who asks the questions",
        got=got,
        mend="Write the role into the labels, e.g. Therapist: and Client:.",
    )
