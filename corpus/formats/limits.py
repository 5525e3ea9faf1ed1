"""How large a thing may be before it is no transcript; what keeps a hostile file from costing much.

None of them bounds a corpus: files of many sessions are read as a stream, and only what one
session takes is held.
"""

from __future__ import annotations

MIB = 2**20

MAX_SESSION_BYTES = 8 * MIB
"""One session's share of a file: an hour of speech is about 60 KB of text, and word timings of
WhisperX make 2 MB of it."""

MAX_PARTS = 1_000_000
"""Values in one session's JSON. Each costs Python about 60 bytes, whatever is in it."""

MAX_TEXT = 100_000
"""Characters of one utterance: two hours of speech without a pause."""

MAX_UTTERANCES = 20_000
"""Utterances of one session."""

MAX_COLUMNS = 1_000
"""Columns of a table."""

SMALL_TABLE_BYTES = 16 * MIB
SMALL_TABLE_ROWS = 100_000
"""Up to here a table is held in memory, and the rows of a session need not stand together."""

GIVE_UP_AFTER = 1_000
"""Sessions of one file that cannot be read, after which the file is given up if they are the most
of it."""
