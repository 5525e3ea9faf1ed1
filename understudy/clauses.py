"""Cutting speech into clauses, and finding the one worth giving back."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice

from understudy.pronouns import to_you
from understudy.templates import read_data

SENTENCE = re.compile(r"(?:(?<=[.?!])|(?<=[.?!][\"')]))\s+")
QUOTED = re.compile(r"[\"“]([^\"”]{6,160})[\"”]")
BREAK = re.compile(
    r",? (?:but|so|because|and then|and)(?= (?:i|i'm|i've|it|they|he|she|my|we|nobody)\b)"
    r"|,(?= i )|,(?= the \w+ (?:went|was|were|had|came|said|got)\b)",
    re.IGNORECASE,
)
IF = re.compile(r"\bif (?:i|i'm|it|they|he|she|my|we|somebody|nobody)\b", re.IGNORECASE)
"""A condition is nothing without what follows from it."""
SELF = re.compile(r"I('\w+)?$")
_ENDING = re.compile("['\u2019]")
"""Where a short form ends its word: "It'd" begins a clause as "it" does."""
SHORTEST, LONGEST = 4, 17
"""Words of a clause that is given back."""
SUBJECT = re.compile(
    r"\b(i|i'm|i've|i'd|my|they|he|she|it|it's|we|there|people|somebody|nobody|everyone|everybody)\b",
    re.IGNORECASE,
)
TRAILING = re.compile(
    r",? (actually|really|though|then|i think|i suppose|too|as always|more or less|to be fair)$",
    re.IGNORECASE,
)
LOOKED_AT = 2
"""Sentences of a turn that are not said in passing; what comes later is an aside as a rule."""
LATER = 0.6
"""Weight that a sentence loses to the one before it."""
WORTH = 1.5
"""Weight from which a clause is worth giving back."""


def split_list(text: str) -> tuple[str, ...]:
    """Split a list written in one line (by semicolons) or in bullets."""
    parts = re.split(r"\s*;\s+|\s*\n\s*[-*]\s*|\s*\|\s*", text.strip(" -*\n"))
    return tuple(part.strip() for part in parts if part.strip())


def as_clause(text: str) -> str:
    """Strip quotes and the full stop; lower the first letter where it starts a common word."""
    text = " ".join(text.split()).strip("\"'“” ").rstrip(".;, ")
    first = _ENDING.split(text.partition(" ")[0])[0]
    if first[:1].isupper() and first != "I" and first.lower() in starters():
        text = text[0].lower() + text[1:]
    return text


def as_sentence(text: str) -> str:
    """Begin with a capital and end with a full stop."""
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in '.?!"' else ".")


def sentences(text: str) -> list[str]:
    """Split a turn into sentences."""
    return [part for part in SENTENCE.split(text.strip()) if part]


@lru_cache(maxsize=1)
def starters() -> frozenset[str]:
    """Words that begin a clause and are written small inside a sentence."""
    return frozenset(str(read_data("reflecting")["starters"]).split())


@lru_cache(maxsize=1)
def _openers() -> re.Pattern[str]:
    """Fillers and hedges that come off before a clause is given back."""
    words = [
        re.escape(line.strip()) for line in str(read_data("reflecting")["openers"]).splitlines()
    ]
    longest_first = sorted(filter(None, words), key=len, reverse=True)
    return re.compile(rf"^(?:(?:{'|'.join(longest_first)})(?:[,.:]\s*|\s+))+", re.IGNORECASE)


@lru_cache(maxsize=1)
def _weights() -> tuple[tuple[re.Pattern[str], float], ...]:
    weights = read_data("reflecting")["weights"]
    assert isinstance(weights, dict)  # noqa: S101 - the file ships with the package
    return tuple((re.compile(pattern, re.IGNORECASE), float(w)) for pattern, w in weights.items())


_THAT = re.compile(r"^that (?=(?:i|it|he|she|we|they|there|nobody|people|my|the)\b)", re.IGNORECASE)
"""Begins an answer to "what do you fear?"; given back it would stand there twice."""


@lru_cache(maxsize=4096)
def telling_clause(text: str) -> str:
    """Return the clause of a client's turn most worth giving back, turned to "you".

    Empty when there is none that would read well in the therapist's mouth: questions, fragments
    without a subject, and clauses under `SHORTEST` or over `LONGEST` words are left out.
    """
    best, best_weight = "", 0.0
    spoken = (s for s in sentences(QUOTED.sub(". ", text)) if not said_in_passing(s))
    for at, sentence in enumerate(islice(spoken, LOOKED_AT)):
        if sentence.rstrip("\"').").endswith("?"):
            continue
        for whole in [sentence] if IF.search(sentence) else BREAK.split(sentence):
            part = whole if len(whole.split()) <= LONGEST else whole.partition(", ")[0]
            bare = _THAT.sub("", _openers().sub("", part.strip(" ,")))
            clause = as_clause(bare)
            weight = _weigh(clause) - LATER * at
            if weight >= WORTH and weight > best_weight:
                best, best_weight = clause, weight
    return to_you(TRAILING.sub("", best))


def _weigh(clause: str) -> float:
    count = len(clause.split())
    first = clause.partition(" ")[0].lower().partition("'")[0]
    if not SHORTEST <= count <= LONGEST or first not in starters() or ":" in clause:
        return 0.0
    if not SUBJECT.search(clause) or (first == "if" and "," not in clause):
        return 0.0
    return 1.0 + sum(weight for pattern, weight in _weights() if pattern.search(clause))


def said_in_passing(sentence: str) -> bool:
    """Tell politeness, an apology, an aside: nothing that a therapist would give back."""
    return _passed_over().search(sentence) is not None


def of_the_hour_itself(clause: str) -> bool:
    """Tell an answer to how the week or the homework went, or what to talk about."""
    return _not_summed().search(clause) is not None


@lru_cache(maxsize=1)
def _not_summed() -> re.Pattern[str]:
    return re.compile(str(read_data("reflecting")["not_summed"]), re.IGNORECASE)


@lru_cache(maxsize=1)
def _passed_over() -> re.Pattern[str]:
    """What is said in passing: politeness, asides, frames of what follows."""
    return re.compile(str(read_data("reflecting")["passed_over"]), re.IGNORECASE)


@lru_cache(maxsize=4096)
def quoted_thought(text: str) -> str:
    """Return the thought that a client's turn holds in quotation marks, as the client said it."""
    found = QUOTED.search(text)
    return as_clause(found[1]) if found else ""


_FELT = re.compile(
    r"\b(?:feel|feels|felt|seem|seems|seemed|always|never|nobody|everybody|everyone|can't|cannot|"
    r"couldn't)\b"
)


def tells_of_feeling(clause: str) -> bool:
    """Tell whether a clause is of a feeling or a belief, and not of a plain fact."""
    return bool(_FELT.search(clause) or named_feelings(clause))


_UNFELT = re.compile(
    r", i'm afraid\b|\bi'm afraid (?:so|not)\b|\bi could [^.?!]*|\bi'd (?:be|feel) [^.?!,]*"
)
"""Regret, not fear: "I forgot it, I'm afraid"; and what is only thought of doing."""


@lru_cache(maxsize=4096)
def named_feelings(text: str) -> tuple[str, ...]:
    """Return the feeling words of a client's turn, in their order."""
    said = _UNFELT.sub("", text.lower().replace("\u2019", "'"))
    known = (plain or marked for plain, marked in _feelings().findall(said))
    return tuple(dict.fromkeys(known))


@lru_cache(maxsize=1)
def _feelings() -> re.Pattern[str]:
    """Two groups: words that are feelings anywhere, and words that are only where one is felt."""
    data = read_data("feelings")
    known, vague, adjectives = data["known"], data["vague"], data["adjectives"]
    assert isinstance(known, list)  # noqa: S101 - the file ships with the package
    assert isinstance(vague, list)  # noqa: S101 - the file ships with the package
    assert isinstance(adjectives, dict)  # noqa: S101 - the file ships with the package
    sure = sorted({*known, *adjectives.values()} - set(vague), key=len, reverse=True)
    plain, marked = "|".join(map(re.escape, sure)), "|".join(map(re.escape, vague))
    felt = "feel|felt|feeling|was|being|mostly|so|very|really|quite|rather|pretty|both|just"
    # "It is quite small" is about a thing; "I felt quite small" is not.
    felt = rf"(?<!\bis )(?<!\bare )\b(?:{felt})"
    return re.compile(rf"\b({plain})\b|(?:(?:^|[.] |{felt} ))({marked})\b(?! (?:of|down|\w+ing)\b)")
