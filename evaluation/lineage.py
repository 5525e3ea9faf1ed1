"""What the models under test were trained on, so that they are not tried on it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import pyarrow.parquet as pq

from corpus.manifest import PARQUET
from domain.errors import LeakError, StoreError
from domain.record import Origin
from evaluation.trainedon import blend_now, require_same_blends

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from domain.record import HeldOutContext
    from domain.runfolder import RunFolder
    from domain.scenario import PlanItem


class Seen(NamedTuple):
    """Ids of all that one blend holds: records, groups, and what stands upstream of them."""

    variant: str
    ids: frozenset[str]
    real: bool
    """Whether some of it is of real people."""
    blend: str = ""
    """SHA-256 of the blend's messages, in hex."""


class Lineage(NamedTuple):
    """What each variant has seen; of those in `unknown` there is no blend to look into."""

    seen: tuple[Seen, ...]
    unknown: tuple[str, ...]

    @property
    def ids(self) -> frozenset[str]:
        """All ids that any variant has seen."""
        return frozenset().union(*(one.ids for one in self.seen))

    def real(self, variant: str) -> bool:
        """Whether a variant may repeat real people's words: it learned from them, or may have."""
        return variant in self.unknown or any(
            one.real for one in self.seen if one.variant == variant
        )

    def require_unseen(self, contexts: Iterable[HeldOutContext], where: str) -> None:
        """Refuse contexts of a session, a video or a persona that a variant learned from.

        Raises:
            LeakError: Names the variant and what it has seen.
        """
        self._require([(one.id, (one.record_id, one.group)) for one in contexts], where)

    def require_new(self, plan: Sequence[PlanItem], where: str) -> None:
        """Refuse sessions whose persona, scenario or whole a variant learned from.

        Raises:
            LeakError: Names the variant and what it has seen.
        """
        self._require(
            [(one.session_id, (one.persona.id, one.scenario.id, one.session_id)) for one in plan],
            where,
        )

    def _require(self, items: list[tuple[str, tuple[str, ...]]], where: str) -> None:
        for one in self.seen:
            for name, upstream in items:
                if leaked := [each for each in upstream if each in one.ids]:
                    raise LeakError(
                        "a model under test has seen what it would be tried on",
                        where=f"{where}: {name}",
                        expected="scenarios held out by lineage: of no session, video, persona or "
                        "plan that a blend holds",
                        got=f"{leaked[0]}, in the blend of {one.variant}",
                        mend="Blend and train again, which holds scenarios out, or take the "
                        "scenario out of the file.",
                    )


def lineage_of(folder: RunFolder, models: Mapping[str, Path]) -> Lineage:
    """Read what each variant's blend holds.

    Args:
        folder: The run.
        models: The folder of each model that was trained, by variant.

    Raises:
        LeakError: A model was trained on another blend than the one in the run.
        StoreError: A blend cannot be read.
    """
    unknown = tuple(name for name in models if not (folder.blend(name) / PARQUET).is_file())
    known = {name: path for name, path in models.items() if name not in unknown}
    require_same_blends(folder, known)
    seen = []
    for variant in known:
        path = folder.blend(variant) / PARQUET
        try:
            table = pq.read_table(path, columns=["id", "group", "origin", "provenance"]).to_pydict()
        except (OSError, ValueError) as error:
            raise StoreError(
                "the blend cannot be read",
                where=str(path),
                got=str(error)[:200],
                mend="Run `rehearsal corpus blend` again.",
            ) from error
        upstream = (json.loads(text).get("lineage", ()) for text in table["provenance"])
        ids = {*table["id"], *table["group"], *(name for names in upstream for name in names)}
        real = Origin.REAL.value in table["origin"]
        seen.append(Seen(variant, frozenset(ids), real, blend_now(folder, variant)))
    return Lineage(tuple(seen), unknown)
