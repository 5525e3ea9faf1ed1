"""What a speaker said, without what models like to put around it."""

from __future__ import annotations

import re

from domain.turn import one_line

LABEL = re.compile(
    r"\A[\s*_\[(]*(?:therapist|client|counsell?or|patient)(?:\s*\([^)]{0,40}\))?[*_\])]*"
    r"\s*:[\s*_]*",
    re.IGNORECASE,
)
BOTH = re.compile(
    r"(?:\n|(?<=[.!?\"”]) )[\s*_\[(]*(?:therapist|client|counsell?or|patient)[*_\])]*\s*:\s*\S",
    re.IGNORECASE,
)
"""A speaker's label after something was said: the answer goes on in the other's voice."""
TEMPLATE = re.compile(r"<\|[\w ]{2,30}\|>|\[/?INST\]|<</?SYS>>|</?(?:start|end)_of_turn>|<s>|</s>")
"""Marks of chat templates, which a model leaks when its server stops it too late."""
SPEAKERS = ("therapist", "client", "counsel", "patient")
"""What every match of `BOTH` holds, in lower case: far sooner looked for than the pattern."""
MACHINE = re.compile(
    r"\bas an? (?:ai|artificial intelligence|(?:large )?language model|virtual assistant|chatbot)\b"
    r"|\bi(?:'m| am) (?:just |only )?(?:an? )?(?:ai|(?:large )?language model|chatbot)\b",
    re.IGNORECASE,
)
MACHINES = (" ai", "artificial", "language model", "virtual assistant", "chatbot")
"""The same for `MACHINE`."""
QUOTES = (('"', '"'), ("“", "”"), ("«", "»"))


def clean_speech(text: str) -> str:
    """Return `text` as one spoken turn.

    A leading speaker label and quotes around the whole are taken off, and line breaks become
    spaces: a turn is one paragraph, so that no line of it can pass for a heading of the notes.
    Nothing else is changed; what remains may be empty.
    """
    said = _unquoted(one_line(text))
    label = LABEL.match(said)
    return _unquoted(said if label is None else said[label.end() :].strip())


def _unquoted(said: str) -> str:
    for opening, closing in QUOTES:
        if len(said) > 1 and said[0] == opening and said[-1] == closing:
            inner = said[1:-1]
            if opening not in inner:
                return inner.strip()
    return said


def misspoken(text: str) -> str:
    """Say what keeps a model's answer from being one spoken turn; nothing where it is one.

    Written for the model, which is asked again. Both roles in one answer, marks of a chat template
    and talk of being a model are found; a role that is left in other words is the supervisor's.
    """
    if "<" in text or "[" in text:
        leaked = TEMPLATE.search(text)
        if leaked:
            return f"It holds {leaked[0]!r}, a mark of a chat template."
    lower = text.lower()
    if ":" in text and _holds(lower, SPEAKERS) and BOTH.search(text):
        return "It speaks for both: it goes on with a line of the other speaker."
    if _holds(lower, MACHINES) and MACHINE.search(text):
        return "It speaks of being a model. The person you play is a human being."
    return ""


def _holds(text: str, words: tuple[str, ...]) -> bool:
    for word in words:  # noqa: SIM110 - `any` over a generator takes twice as long
        if word in text:
            return True
    return False
