"""Whether a licence permits the use that is meant. Not legal advice."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Literal

from corpus.data.files import load_yaml
from domain.errors import BlendError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from domain.record import Record

Use = Literal["research", "commercial"]


def refusal(licence: str, use: Use) -> str:
    """Return why `licence` does not permit `use`, "" where it does.

    Research use of what one holds is left to the user's own terms; commercial use needs a licence
    that is known to permit it.
    """
    if use == "research":
        return ""
    data = load_yaml("licences")
    plain = " ".join(re.sub(r"[^a-z0-9]+", " ", licence.lower()).split())
    if plain in data["unstated"]:
        return "it states no licence"
    if any(_holds(plain, phrase) for phrase in data["forbids_commercial"]):
        return "it forbids commercial use"
    if any(_holds(plain, phrase) for phrase in data["permits_commercial"]):
        return ""
    return "it is not known to permit commercial use"


def check_licences(records: Iterable[Record], use: Use) -> None:
    """Refuse records whose licence forbids `use`.

    Raises:
        BlendError: At least one does; the first is named with the number of records under it.
    """
    check_licence_counts(Counter((one.source, one.licence) for one in records), use)


def check_licence_counts(counts: Mapping[tuple[str, str], int], use: Use) -> None:
    """Refuse records, counted by collection and licence, where a licence forbids `use`.

    Raises:
        BlendError: At least one does; the first is named with the number of records under it.
    """
    for (source, licence), count in sorted(counts.items()):
        reason = refusal(licence, use)
        if reason:
            raise BlendError(
                f"the licence of {count} records of {source} does not permit {use} use: {reason}",
                where="corpus.use",
                expected="a licence that permits it, e.g. CC-BY-4.0 or Apache-2.0",
                got=repr(licence),
                mend="Leave these records out, state their licence in corpus.licence,"
                " or set corpus.use: research.",
            )


def _holds(plain: str, phrase: str) -> bool:
    return re.search(rf"\b{re.escape(phrase)}\b", plain) is not None
