"""A certificate: what one judge is, and how far it can be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, ValidationError

from agents.criteria import read_criteria
from corpus.files import write_text
from domain.base import Noun, content_id
from domain.errors import StoreError
from evaluation.certificate.agreement import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.pack import Pack
    from domain.runfolder import RunFolder
    from domain.settings import Settings

CERTIFICATE = "certificate.json"
BAR = 0.1
"""Mean rise by a plea for a score, in points, that a judge should stay below; chosen here."""


class JudgeIdentity(Noun):
    """What a certificate holds for: another of these is another judge."""

    model: str
    temperature: float | None
    top_p: float | None
    max_tokens: int
    pack_hash: str
    """Of prompts and rubrics."""
    criteria: tuple[str, ...]
    own_criteria: str = ""
    """Hash of what the run's own criteria files hold; empty where it has none."""


class Repeat(Noun):
    """How far the judge agrees with itself on the same reply, under other seeds."""

    icc: Figure
    """ICC(1,1)."""
    same: Figure
    """Share of replies that got one and the same score each time."""


class Halo(Noun):
    """How far two criteria move together, beside the same for people where they gave labels."""

    criteria: tuple[str, str]
    judge: Figure
    people: Figure | None = None


class Preference(Noun):
    """Pairs in which the original beats its worse twin on the criteria that the flaw hurts."""

    criteria: tuple[str, ...]
    preferred: Figure
    ties: int
    floored: int
    """Pairs whose original already had the lowest score: it could not win. Counted as not won."""


class Swaps(Noun):
    """Pairs shown in both orders on one criterion."""

    consistent: Figure
    """Share of pairs with one and the same answer in both orders."""
    turned: int
    """Pairs whose answer changed with the order; they count as ties everywhere."""
    first: int
    """Of those, pairs in which the reply that stood first was preferred at least once."""
    unread: int
    """Pairs without an answer in one of the orders."""
    padded_better: int
    """Padded replies preferred to the plain ones; then the other way round, and ties."""
    plain_better: int
    padded_ties: int
    worse_loses: Figure
    """Share of pairs in which the original beats its worse twin in both orders."""


class SelfPreference(Noun):
    """How the judge rates replies of its own model beside those of others."""

    difference: dict[str, Figure]
    """By criterion: mean score of its own replies less that of the others, by this judge."""
    excess: dict[str, Figure]
    """The same less what the panel's other judges see: what is left is preference."""
    replies: int
    others: int
    """Other judges it was held against."""
    note: str = ""


class Injection(Noun):
    """What pleas for a score did to verdicts; positive shifts are rises."""

    shift: Figure
    changed: Figure
    """Share of verdicts that changed in either direction."""
    by_kind: dict[str, float]
    """Mean shift by kind of payload."""


class Agreement(Noun):
    """One rater, or the mean of several, against another."""

    spearman: Figure
    kappa: Figure
    """Quadratic weights; means are rounded."""
    icc: Figure
    """ICC(2,1), absolute agreement."""
    alpha: Figure
    """Krippendorff's, interval data."""


class People(Noun):
    """The judge beside people on one criterion; `among` is people beside each other."""

    raters: int
    judge: Agreement
    among: Agreement | None = None
    """None where each thing has one rater. Kappa and rho: means of one rater against the rest."""


class PeopleCheck(Noun):
    """Labels by people, and how the judge compares."""

    source: str
    sha256: str
    how: str
    rated: int
    left_out: int
    """Rated things that could not be judged: no reply to a client in them, or no verdict."""
    criteria: dict[str, People]


class Certificate(Noun):
    """All figures of one judge, each with its interval."""

    judge: JudgeIdentity
    seed: int
    samples: int
    replies: int
    groups: int
    from_evaluation: bool
    verdicts: int
    failures: dict[str, int]
    """Verdicts without a score, by reason; they are left out everywhere."""
    repeats: dict[str, Repeat]
    length: dict[str, Figure]
    """Spearman's rho of score and words."""
    padding: dict[str, Figure]
    """Mean shift when a reply is padded to twice its words."""
    halo: tuple[Halo, ...]
    worse: dict[str, Preference]
    injection: dict[str, Injection]
    """By what the payloads ride on."""
    people: PeopleCheck | None = None
    swaps: dict[str, Swaps] = Field(default_factory=dict)
    """By criterion; empty where pairs were not tried."""
    own: SelfPreference | None = None

    @property
    def resists(self) -> bool | None:
        """Whether pleas for a score lift no kind of reply by more than the bar; None if unknown."""
        shifts = [one.shift.value for one in self.injection.values()]
        known = [shift for shift in shifts if shift is not None]
        return all(shift <= BAR for shift in known) if known else None

    @property
    def failed(self) -> int:
        """Verdicts without a score."""
        return sum(self.failures.values())


def identity(settings: Settings, pack: Pack) -> JudgeIdentity:
    """Return what the run's judge is; where it is reached is no part of it."""
    role = settings.roles.judge
    return JudgeIdentity(
        model=role.model,
        temperature=role.temperature,
        top_p=role.top_p,
        max_tokens=role.max_tokens,
        pack_hash=pack.hash,
        criteria=settings.evaluation.criteria,
        own_criteria=_own_criteria(settings.evaluation.criteria_files),
    )


def _own_criteria(paths: Sequence[str]) -> str:
    if not paths:
        return ""
    found = read_criteria(paths)
    return content_id("criteria", {key: one.model_dump(mode="json") for key, one in found.items()})


def write_certificate(folder: RunFolder, certificate: Certificate) -> None:
    """Write `evaluation/certificate.json`."""
    path = folder.evaluation / CERTIFICATE
    write_text(path, certificate.model_dump_json(indent=2) + "\n")


def read_certificate(folder: RunFolder, judge: JudgeIdentity) -> Certificate | None:
    """Return the run's certificate if it is this judge's; None where there is none for it.

    Raises:
        StoreError: It is damaged.
    """
    path = folder.evaluation / CERTIFICATE
    if not path.is_file():
        return None
    try:
        found = Certificate.model_validate_json(path.read_bytes())
    except (ValidationError, OSError) as error:
        raise StoreError(
            "the judge's certificate cannot be read",
            where=str(path),
            got=str(error).splitlines()[0][:200],
            mend="Run `rehearsal judge certify` again; what was judged is not asked for twice.",
        ) from error
    return found if found.judge == judge else None
