"""A series of blends with ever more synthetic sessions: how much of them helps?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.blend import BlendSummary, material_of, pools_of, write_variant
from corpus.bulk.write import Drawn
from corpus.card import CardFacts, checks_of
from corpus.files import write_nouns, write_text
from corpus.mixing import mixed, order_of
from corpus.signoff import sign_offs
from corpus.strata import curriculum
from domain.errors import ConfigError
from domain.runfolder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.settings import Settings

_SHARED = {"sessions": "sessions", "tokens": "therapist words", "weight": "sessions"}


def blend_sweep(
    settings: Settings, folder: RunFolder, shares: Sequence[int], seeds: int
) -> dict[str, BlendSummary]:
    """Write a blend for each synthetic share in percent and each seed, in equally many words.

    They stand in a run folder of their own, `sweep_folder`, with the signatures. What is held out
    is that of the run itself, so that all are measured on the same sessions; the seeds, the run's
    own and those after it, draw which sessions come first.

    Raises:
        ConfigError: The shares are no percentages.
        SignOffNeededError: Real records are not signed off.
        BlendError: A licence forbids the use, or a share has nothing to draw from.
        StoreError: A file cannot be read or written.
    """
    check_shares(shares)
    into = sweep_folder(folder)
    matter = material_of(settings, folder, synthetic=any(shares))
    write_nouns(into.held_out, matter.index.records(matter.held_out))
    write_text(into.sign_off, sign_offs(folder).model_dump_json(indent=2) + "\n")
    summaries: dict[str, BlendSummary] = {}
    for seed in range(settings.seed, settings.seed + seeds):
        pools, counted = pools_of(matter, settings, folder, seed)
        for share in shares:
            name = series_name(share, seed)
            rows = mixed(pools, share / 100, settings)
            facts = CardFacts(
                name=f"{settings.name}-{name}",
                seed=seed,
                making=f"{share}% of the {_SHARED[settings.corpus.blend.by]} are synthetic, the"
                " others real; one of a series.",
                checks=checks_of(folder),
            )
            sessions = Drawn(matter.index, curriculum(matter.index, rows, order_of(settings)))
            made = write_variant(name, sessions, facts, into, counted, 0)
            summaries[name] = made.model_copy(update={"share": share, "seed": seed})
    return summaries


def sweep_folder(folder: RunFolder) -> RunFolder:
    """Return where a run's series of blends stand, and what is learned from them."""
    return RunFolder(folder.root / "sweep")


def series_name(share: int, seed: int) -> str:
    """Name the blend of a series by its synthetic share in percent and its seed."""
    return f"share-{share}-seed-{seed}"


def check_shares(shares: Sequence[int]) -> None:
    """Refuse what is no series of percentages.

    Raises:
        ConfigError: It is not.
    """
    if not shares or len(set(shares)) < len(shares) or not all(0 <= one <= 100 for one in shares):
        raise ConfigError(
            "the shares cannot be used",
            where="the series of synthetic shares",
            expected="different whole percentages, such as 0,25,50,100",
            got=",".join(map(str, shares)),
            mend="name each once, from 0 to 100",
        )
