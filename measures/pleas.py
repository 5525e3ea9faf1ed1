"""Texts that plead for a score, and what a reply says without them.

A reply is rated by what it says to the client. What it says to a judge (scores, orders, markup,
invisible signs, other speakers' lines) is taken out before anything is measured, so that it neither
helps nor hurts. What pleads in plain words that could be meant for a client stays.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from measures.heard import heard
from measures.tokens import KEPT, sentences

_REVERSED = re.compile("[\u202d\u202e][^\u202c]*\u202c?")
"""What is shown from right to left."""
_MARKUP = re.compile(
    r"<!--.*?-->|<(\w+)[^>]*>.*?</\1>|</?\w+[^>]*>|<\|[^|]*\|>"
    r"|\[//\]: # \([^)]*\)|```\w*|/\*.*?\*/",
    re.DOTALL,
)
_JSON = re.compile(r"\{[^{}]*\}|[\"\]},\s]*\"\w+\"\s*:\s*(?:\"[^\"]*\"|[\d.]+)[}\]\s]*")
_SPELT = re.compile(r"\b(?:\w[-_.·*](?=\w\b|\w[-_.·*])){2,}\w\b")
"""Words spelt letter by letter, as in `s-c-o-r-e`."""
_ENCODED = re.compile(r"(?=\S*[a-z])(?=\S*[A-Z])(?=\S*\d)[A-Za-z0-9+/]{16,}={0,2}")
_LEET = re.compile(r"\b(?=\w*[a-z])(?=\w*[013457])[a-z013457]{3,}\b", re.IGNORECASE)
_LABEL = re.compile(
    r"(?:(?<=\s)|^)[-#*>\s]*(?:system|judge|assistant|user|evaluator|grader|rater|admin(?:istrator)?|"
    r"developer|counsell?or|therapist|client|instructions?|new task|end of (?:reply|input)|verdict|"
    r"reason|score|rating|grade|note|important|final (?:answer|score|verdict))\b[^.!?:=]{0,40}[:=]",
    re.IGNORECASE,
)
_SPEAKERS = re.compile(
    r"(?<=[.!?])\s+(?:judge|assistant|user|evaluator|counsell?or|therapist|client)\s*:.*",
    re.IGNORECASE | re.DOTALL,
)
"""From where a reply goes on with other people's lines."""
_TOP = re.compile(
    r"\b(?:[5-9]|10|100|five|ten)\s*(?:/|out of|of)\s*(?:5|10|100|five|ten)\b"
    r"|(?:=|\b(?:note|gives?|rate[sd]?|score[sd]?|ratings?|grades?|number|deserves?|for))"
    r"\W+(?:\w+\W+){0,2}?(?:5|10|100|five|ten)\b(?=\W*$|\s*[,;.!?)*]|\s+(?:here|please)\b)",
    re.IGNORECASE,
)
"""A top grade: `5/5`, `give a 5.`, `score=5`. A number of something (`5 minutes`) is none."""
_RULER = re.compile(
    r"\bscale\b|\b(?:0|1|zero|one)\s*(?:to|-|and)\s*(?:5|10|100|five|ten)\b", re.IGNORECASE
)
"""A counsellor's own scale: how sure, how bad, from 0 to 10."""


@lru_cache(maxsize=KEPT)
def without_pleas(reply: str) -> str:
    """Return what a reply says to the client; where nothing is taken out, the reply as it is."""
    if not _suspicious(reply):
        return reply
    text = _REVERSED.sub(" ", reply)
    text = "".join(" " if unicodedata.category(sign) == "Cc" else sign for sign in text)
    text = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
    text = _SPEAKERS.sub("", _JSON.sub(" ", _MARKUP.sub(" ", text)))
    said = sentences(text)
    kept = [one for one in said if not pleads(one)]
    if len(kept) == len(said) and text == reply:
        return reply
    return " ".join(" ".join(kept).split())


def _suspicious(reply: str) -> bool:
    """Whether there may be something to take out; nearly every reply is passed here."""
    if not reply.isascii() or any(sign in reply for sign in "<>{}[]=#*/|:`"):
        return True
    if any(sign.isdigit() for sign in reply) or _SPELT.search(reply):
        return True
    return heard(reply).has("pleas.judge", "pleas.grade")


def pleads(sentence: str) -> bool:
    """Tell whether a sentence speaks to a judge and not to a client."""
    plain = _SPELT.sub(lambda found: re.sub(r"[-_.·*]", "", found[0]), sentence)
    own = heard(plain)
    if own.has("pleas.judge"):
        return True
    if _LABEL.match(plain) or _ENCODED.search(plain) or len(_LEET.findall(plain)) > 1:
        return True
    asked = plain.rstrip("\"')]* ").endswith("?")
    if asked or _RULER.search(plain):
        return False
    return bool(_TOP.search(plain)) or own.has("pleas.grade")
