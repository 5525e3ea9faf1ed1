"""JSON as a stream of values: the lines of a JSONL file, the items of an array, or one object.

Only one value is held at a time, so a file may be of any size. A value that is too large or too
deeply nested is refused before it is built.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson

from corpus.formats.limits import MAX_PARTS, MAX_SESSION_BYTES, MIB
from corpus.formats.raw import Skipped
from domain.errors import TranscriptError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from corpus.formats.decode import TextFile

Json = Any
"""A value as `json.loads` returns it; every use checks what it is."""

Placed = tuple[str, Json]
"""A value, or a `Skipped` in its stead, with the place where it stands, for people."""

FORMS = (
    'a session {"messages": [{"role", "content"}]} or {"turns": [{"speaker", "text"}]}, or a turn'
)

_PIECE = 2**18
_ALL_BAD_AFTER = 100
_SPACE = " \t\r\n\ufeff"


def looks_like(head: str) -> bool:
    """Tell JSON by its first character."""
    return head.lstrip(_SPACE)[:1] in {"{", "["}


def json_values(file: TextFile) -> Iterator[Placed]:
    """Yield every value with its place.

    Raises:
        TranscriptError: The file is not JSON at all.
    """
    with file.open() as stream:
        first = _first_sign(stream)
        stream.seek(0)
        if first == "[":
            yield from _items(_Window(stream, file.name))
        elif (whole := _one_object(stream, file)) is not None:
            yield file.name, whole
        else:
            stream.seek(0)
            yield from _checked(_lines(stream, file.name), file.name)


def _first_sign(stream: TextIO) -> str:
    head = stream.read(4096).lstrip(_SPACE)
    return head[:1]


def _one_object(stream: TextIO, file: TextFile) -> Json | None:
    """Return the one object of a file that holds nothing else; None where it is JSON lines."""
    line = stream.readline(MAX_SESSION_BYTES)
    try:
        orjson.loads(line)
        return None
    except ValueError:
        pass
    if file.size > MAX_SESSION_BYTES * 2:
        return None
    text = line + stream.read(MAX_SESSION_BYTES * 2)
    fault = _too_much(text)
    if fault and "\n{" not in text.strip():
        raise _not_json(file.name, fault)
    try:
        return None if fault else orjson.loads(text.strip(_SPACE))
    except ValueError as error:
        if "\n" not in text.strip():
            raise _not_json(file.name, str(error)) from None
        return None


def _lines(stream: TextIO, name: str) -> Iterator[Placed]:
    number = 0
    while line := stream.readline(MAX_SESSION_BYTES + 1):
        number += 1
        place = f"{name}, line {number}"
        if len(line) > MAX_SESSION_BYTES:
            while line and not line.endswith("\n"):
                line = stream.readline(MIB)
            yield place, _bad(place, f"more than {MAX_SESSION_BYTES // MIB} MiB in one line")
            continue
        if line.isspace():
            continue
        fault = _too_much(line)
        if fault:
            yield place, _bad(place, fault)
            continue
        try:
            yield place, orjson.loads(line.strip(_SPACE))
        except ValueError as error:
            yield place, _bad(place, str(error))


def _checked(values: Iterator[Placed], name: str) -> Iterator[Placed]:
    """Hold bad lines back until a good one shows that the file is JSON lines at all."""
    held: list[Placed] = []
    for value in values:
        if not isinstance(value[1], Skipped):
            yield from held
            yield value
            yield from values
            return
        held.append(value)
        if len(held) >= _ALL_BAD_AFTER:
            break
    first = held[0][1].reason if held else "nothing"
    raise _not_json(name, f"no line that is JSON; {first.splitlines()[1].strip()}")


class _Window:
    """A piece of a stream that grows until it holds the value that is asked for, and moves on."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream, self.name = stream, name
        self._text, self._at, self._line, self._ended = "", 0, 1, False
        self._decode = json.JSONDecoder().raw_decode

    @property
    def line(self) -> int:
        """The line at which the window stands, from 1."""
        return self._line

    def sign(self) -> str:
        """Return the next sign that is no space, "" at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._line += self._text[self._at] == "\n"
                self._at += 1
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._grow(_PIECE)

    def step(self) -> None:
        """Pass over one sign."""
        self._at += 1

    def value(self) -> Json:
        """Return the value that begins here.

        Raises:
            TranscriptError: It is damaged, too large, or too deeply nested.
        """
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except RecursionError:
                raise self.damaged("lists within lists, too deep to be a transcript") from None
            except ValueError as error:
                if self._ended or not self._may_go_on(error):
                    raise self.damaged(str(error).split(": line")[0], error) from None
                self._grow(max(_PIECE, len(self._text) - self._at))
                continue
            if end == len(self._text) and not self._ended:  # a number may go on
                self._grow(_PIECE)
                continue
            self._line += self._text.count("\n", self._at, end)
            self._at = end
            return value

    def _may_go_on(self, error: ValueError) -> bool:
        """Tell a value that the window cuts off from one that is wrong."""
        if len(self._text) - self._at > MAX_SESSION_BYTES:
            raise self.damaged(f"more than {MAX_SESSION_BYTES // MIB} MiB in one item")
        if fault := _too_much(self._text[self._at :]):
            raise self.damaged(fault)
        at = getattr(error, "pos", len(self._text))
        return "Unterminated string" in str(error) or at > len(self._text) - 64

    def _grow(self, size: int) -> None:
        more = self._stream.read(size)
        self._ended = not more
        self._text = self._text[self._at :] + more
        self._at = 0

    def damaged(self, got: str, error: ValueError | None = None) -> TranscriptError:
        """Name what is wrong at the window's line, or at the line where `error` arose."""
        end = getattr(error, "pos", self._at)
        line = self._line + self._text.count("\n", self._at, end)
        return _not_json(f"{self.name}, line {line}", got)


def _items(window: _Window) -> Iterator[Placed]:
    """Yield the items of the array; what follows a damaged one cannot be told apart any more."""
    window.sign()
    window.step()
    number = 0
    while (sign := window.sign()) != "]":
        if number:
            if sign != ",":
                raise window.damaged("no comma after an item" if sign else "no end of the list")
            window.step()
            window.sign()
        number += 1
        place = f"{window.name}, item {number} (line {window.line})"
        yield place, window.value()


def _too_much(text: str) -> str:
    """Say what makes `text` more than one session can be, "" where it is not."""
    if len(text) <= MIB:
        return ""
    parts = sum(map(text.count, "[{,"))
    return f"more than {MAX_PARTS:,} values in one session" if parts > MAX_PARTS else ""


def _bad(place: str, got: str) -> Skipped:
    reason = f"{place}: the line is not JSON\n  got: {got}\n  mend: Repair the line."
    return Skipped(where=place, reason=reason)


def _not_json(where: str, got: str) -> TranscriptError:
    return TranscriptError(
        "the file is not JSON",
        where=where,
        expected=FORMS,
        got=got,
        mend="Export the chat again, one JSON object to a line.",
    )
