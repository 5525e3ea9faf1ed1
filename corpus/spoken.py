"""Where a spoken mail address begins: "so it's jo dot bloggs at gmail dot com"."""

from __future__ import annotations

import re

from corpus.data.files import load_yaml

_BEFORE = frozenset(load_yaml("lexicon")["before_mail"])
_WORD = re.compile(r"\S+")
_AT = re.compile(r" (?:at|@|\(at\)|\[at\]) ", re.IGNORECASE)


def mail_start(text: str) -> int:
    """Return where the address in `text` begins: behind the last word that leads up to it."""
    at = list(_AT.finditer(text))
    if not at:
        return 0
    start = end = at[-1].start()
    for word in reversed(list(_WORD.finditer(text, 0, end))):
        if re.sub("['’]s$", "", word[0].lower().strip(",.:;")) in _BEFORE or word[0][-1] in ",:;":
            break
        start = word.start()
    return start
