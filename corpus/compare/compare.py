"""Compares real sessions with synthetic ones, beside real ones with real ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from corpus.compare.checks import checks_of, thresholds
from corpus.compare.classifier import tell_apart
from corpus.compare.copied import Source, canaries_in
from corpus.compare.distance import mauve, mmd
from corpus.compare.encode import encoder_of
from corpus.compare.facts import facts_of
from corpus.compare.result import Comparison, Example, Pair
from corpus.compare.sampling import halves, sessions_as_texts, taken, turns_as_texts
from corpus.near import near_across
from domain.errors import CompareError
from domain.turn import Speaker
from measures.diversity import NEAR_DUPLICATE
from measures.tokens import words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from corpus.compare.classifier import Texts, Told
    from corpus.compare.encode import Encoder
    from corpus.compare.result import PairName, SideFacts
    from corpus.compare.side import Side
    from domain.settings import CompareSettings

EXAMPLES = 10
FEWEST = 20
"""Therapist turns a side must have: under this every distance is noise."""


def compare(
    real: Side,
    synthetic: Side,
    settings: CompareSettings,
    seed: int,
    *,
    other: Side | None = None,
    canaries: Sequence[str] = (),
) -> Comparison:
    """Compare two sides, and the real one with its own other half and with `other`.

    The same sides, settings and seed give the same values.

    Raises:
        CompareError: A side is too small, or the encoder cannot be used.
        ConfigError: The settings name a threshold that there is not.
    """
    limits = thresholds(settings.thresholds)
    parts = halves(real, seed)
    sides: dict[str, Side] = {"real": real, "synthetic": synthetic}
    sides |= {"other": other} if other else {}
    sides |= {"half_a": parts[0], "half_b": parts[1]} if parts else {}
    matter = _Matter.of(sides, settings, seed)
    pairs: dict[PairName, Pair] = {}
    pairs["synthetic"], told = matter.pair("real", "synthetic", words=True)
    if parts:
        pairs["half"], _ = matter.pair("half_a", "half_b")
    if other:
        pairs["other"], _ = matter.pair("real", "other")
    facts = {name: matter.facts(name) for name in sides}
    said = canaries_in(synthetic.talks, canaries)
    checks = checks_of(pairs["synthetic"], pairs.get("half"), facts, len(said), limits)
    return Comparison(
        seed=seed,
        encoder=matter.encoder.name,
        pairs=pairs,
        sides=facts,
        canaries_planted=len(canaries),
        canaries_found=len(said),
        checks=checks,
        passed=all(check.passed for check in checks),
        examples=_examples(synthetic, matter.said["synthetic"], told),
        closest=_closest(real, synthetic),
    )


@dataclass(frozen=True)
class _Matter:
    """What every measure of one comparison takes from: the sides and equal numbers of turns."""

    sides: Mapping[str, Side]
    said: Mapping[str, Texts]
    encoder: Encoder
    n: int
    amount: int
    settings: CompareSettings
    seed: int

    @classmethod
    def of(cls, sides: Mapping[str, Side], settings: CompareSettings, seed: int) -> _Matter:
        said = {
            name: turns_as_texts(side.talks, Speaker.THERAPIST, settings.turns, seed)
            for name, side in sides.items()
        }
        for name in ("real", "synthetic"):
            _refuse_small(sides[name], len(said[name].texts))
        n = min(settings.encoded, *(len(texts.texts) for texts in said.values()))
        whole = [texts for name, texts in said.items() if not name.startswith("half")]
        equal = min(len(texts.texts) for texts in whole)  # or the encoder knows one side better
        some = [text for texts in whole for text in taken(texts, equal, seed).texts]
        every = {name: taken(texts, n, seed).texts for name, texts in said.items()}
        amount = min(sum(len(words(text)) for text in texts) for texts in every.values())
        return cls(sides, said, encoder_of(settings.encoder, some, seed), n, amount, settings, seed)

    def pair(self, first: str, second: str, *, words: bool = False) -> tuple[Pair, Told | None]:
        """Hold one side against another; with `words`, say what gave the second's turns away."""
        one, two = self.sides[first], self.sides[second]
        told = tell_apart(self.said[first], self.said[second], self.seed, words=words)
        clients = [
            turns_as_texts(side.talks, Speaker.CLIENT, self.settings.turns, self.seed)
            for side in (one, two)
        ]
        heard = tell_apart(clients[0], clients[1], self.seed)
        whole = tell_apart(sessions_as_texts(one.talks), sessions_as_texts(two.talks), self.seed)
        some = [taken(self.said[name], self.n, self.seed) for name in (first, second)]
        vectors = [self.encoder.encode(texts.texts) for texts in some]
        texts = [[talk.text for talk in side.talks] for side in (one, two)]
        near = {j for _, j in near_across(texts[0], texts[1], NEAR_DUPLICATE)}
        pair = Pair(
            first=one.name,
            second=two.name,
            utterance_auc=told.auc if told else None,
            client_auc=heard.auc if heard else None,
            session_auc=whole.auc if whole else None,
            mmd2=mmd(
                vectors[0], some[0].sessions, vectors[1], some[1].sessions,
                self.settings.permutations, self.seed,
            ),
            mauve=mauve(vectors[0], vectors[1], self.seed),
            n=self.n,
            near_duplicates=len(near) / len(two.talks),
            copied=Source(one.talks).copied_by(two.talks)[0],
        )  # fmt: skip
        return pair, told

    def facts(self, name: str) -> SideFacts:
        """Describe one side by itself."""
        side, said = self.sides[name], self.said[name]
        return facts_of(side, said, self.n, self.amount, self.encoder, self.seed)


def _refuse_small(side: Side, turns: int) -> None:
    if turns < FEWEST:
        raise CompareError(
            "there is too little to compare",
            where=side.name,
            expected=f"at least {FEWEST} therapist turns",
            got=f"{turns} in {len(side.talks)} sessions",
            mend="Add sessions.",
        )


def _examples(side: Side, said: Texts, told: Told | None) -> tuple[Example, ...]:
    """Return the most telling turns, each text and each session once."""
    if told is None:
        return ()
    found: list[Example] = []
    seen: set[str] = set()
    for at in (-told.scores).argsort(kind="stable"):
        talk = side.talks[said.sessions[at]]
        if len(found) == EXAMPLES:
            break
        if {talk.id, said.texts[at]} & seen:
            continue
        seen |= {talk.id, said.texts[at]}
        turn = next(one for one in talk.turns if one.text == said.texts[at])
        found.append(
            Example(
                session=talk.id,
                turn=turn.index,
                score=float(told.scores[at]),
                words=told.words[at] if not talk.is_real else (),
                text=turn.text if not talk.is_real else "",
            )
        )
    return tuple(found)


def _closest(real: Side, synthetic: Side) -> tuple[str, ...]:
    """Return the synthetic sessions with the longest passages from real ones, longest first."""
    _, passages = Source(real.talks).copied_by(synthetic.talks)
    ranked = sorted(passages, key=lambda passage: (-passage.words, passage.talk))
    return tuple(passage.talk for passage in ranked[:EXAMPLES] if passage.words)
