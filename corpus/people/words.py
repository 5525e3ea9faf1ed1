"""How a name is spelt: its words, their plain form, and what joins them."""

from __future__ import annotations

import re
import unicodedata

from corpus.data.files import load_yaml

_LETTERS = [chr(code) for code in range(0x41, 0x530)]
UPPER = "".join(sign for sign in _LETTERS if sign.isupper())
"""Capital letters of Latin, Greek and Cyrillic."""
LOWER = "".join(sign for sign in _LETTERS if sign.islower())
NAME = rf"[{UPPER}](?:[{UPPER}{LOWER}'’-]*[{LOWER}])"
"""Pattern of one word with a capital and a small letter at its end."""
JOINERS = frozenset(load_yaml("lexicon")["joiners"])
NAMES = rf"{NAME}(?: (?:[A-Z]\. )?(?:(?:{'|'.join(sorted(JOINERS))}) ){{0,2}}{NAME}){{0,2}}"
"""Pattern of a person's name of up to three words."""
NAME_INSIDE = re.compile(
    rf"(?<=[^\s.!?] )[{UPPER}](?:[{LOWER}]|[’'][{UPPER}])|\b\w{{1,6}}\. [{UPPER}]"
)
"""Found where a capital stands that no sentence begins with; few texts have one."""
TOKEN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
POSSESSIVE = re.compile(r"['’]s?$")
CONTRACTION = re.compile(r"(?:n['’]t|['’](?:re|ve|ll|d|m))$|^I(?:-|['’])")
_FOLDED = str.maketrans(
    {ord(sign): plain for sign, plain in load_yaml("lexicon")["folded"].items()}
)
"""What stands for a letter that no accent can be taken from."""


def plain(word: str) -> str:
    """Return a word in small letters, with straight apostrophes, without possessive or accents."""
    small = word.lower()
    if small.isascii() and "'" not in small:
        return small
    small = POSSESSIVE.sub("", small)
    apart = unicodedata.normalize("NFKD", small.translate(_FOLDED))
    return "".join(sign for sign in apart if not unicodedata.combining(sign))
