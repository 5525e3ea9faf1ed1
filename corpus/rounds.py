"""One round's discriminator, and how well it told the sides apart, round after round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from corpus.compare.classifier import Texts, Told, tell_apart, vectorizer
from corpus.compare.result import Measured
from corpus.compare.sampling import turns_as_texts
from corpus.compare.side import side_of
from corpus.compare.style import LOOKS, new_figure, save, styled
from corpus.discriminator import FEWEST_WORDS, Discriminator, Weight, words_of
from corpus.files import read_noun, read_records, write_text
from corpus.signoff import signed_records
from domain.base import Noun
from domain.turn import Speaker

if TYPE_CHECKING:
    from domain.runfolder import RunFolder
    from domain.settings import Settings

SHOWN = 20
FIGURE = "rounds"


class Round(Noun):
    """What one round's discriminator was learned from and how well it did, out of fold."""

    number: int
    """From 1."""
    run: str
    """Name of the campaign whose accepted sessions were read."""
    real: int
    """Sessions of either side."""
    synthetic: int
    turn_auc: Measured
    """0.5: the round's turns cannot be told from real ones; 1: always."""
    session_auc: Measured
    """The same over sessions, by the mean of their turns."""
    limit: float
    """Mean log-odds from which a session of the next round goes back."""
    sent_back: int | None = None
    """Drafts of it that the round before's discriminator sent back; None in the first."""
    words: tuple[str, ...] = ()
    """What speaks loudest for simulated, of what simulated sessions say; loudest first."""
    discriminator: str = ""
    """SHA-256 of the file."""


class Rounds(Noun):
    """All rounds up to this one; the content of `rounds.json`."""

    rounds: tuple[Round, ...] = ()


def learn_round(
    settings: Settings,
    folder: RunFolder,
    earlier: RunFolder | None,
    send_back: float,
    sent_back: int | None,
) -> Round | None:
    """Learn a discriminator from signed real sessions and a round's accepted ones; write all.

    The real sessions are the run's own, or, where it has none, those of the round before. None
    where a side has not two groups to hold out.

    Args:
        settings: For the name, the seed and how many sessions and turns are read.
        folder: The round's run.
        earlier: The round before, whose rounds.json this one goes on from.
        send_back: Share of this round's accepted sessions that lie above the limit.
        sent_back: How many drafts of it were sent back, for the record.

    Raises:
        SignOffNeededError: Real records are not signed off.
        StoreError: A file cannot be read or written.
    """
    home = folder if folder.real.is_file() or earlier is None else earlier
    asked, seed = settings.corpus.compare, settings.seed
    real = side_of("real", signed_records(home), asked.sessions, seed)
    made = side_of("synthetic", read_records(folder.synthetic), asked.sessions, seed)
    if not real.talks or not made.talks:
        return None
    texts = [
        _long_enough(turns_as_texts(side.talks, Speaker.THERAPIST, asked.turns, seed))
        for side in (real, made)
    ]
    told = tell_apart(texts[0], texts[1], seed) if all(one.texts for one in texts) else None
    if told is None:
        return None
    limit = float(np.quantile(told.session_scores, 1 - send_back))
    found, words = _learned(texts[0], texts[1], told, limit)
    before = read_rounds(earlier).rounds if earlier is not None else ()
    digest = found.save(folder.discriminator)
    this = _round(settings, told, found, digest, words).model_copy(
        update={
            "number": len(before) + 1,
            "real": len(real.talks),
            "synthetic": len(made.talks),
            "sent_back": sent_back,
        }
    )
    rounds = Rounds(rounds=(*before, this))
    write_text(folder.rounds, rounds.model_dump_json(indent=2) + "\n")
    draw_rounds(rounds, folder)
    return this


def _round(
    settings: Settings, told: Told, found: Discriminator, digest: str, words: tuple[str, ...]
) -> Round:
    return Round(
        number=1,
        run=settings.name,
        real=0,
        synthetic=0,
        turn_auc=told.auc,
        session_auc=told.session_auc,
        limit=found.limit,
        words=words,
        discriminator=digest,
    )


def _learned(
    real: Texts, made: Texts, told: Told, limit: float
) -> tuple[Discriminator, tuple[str, ...]]:
    """Return the discriminator, and the loudest words that the made sessions say.

    It is the mean of the folds' classifiers. One learned anew from all would be surer of itself
    than those that the limit was read off, and send back far more than its share.
    """
    vectors = vectorizer()
    found = vectors.fit_transform([*real.texts, *made.texts])
    names = vectors.get_feature_names_out().tolist()
    leaning = told.weights.tolist()
    weights = {
        name: Weight(rare, lean)
        for name, rare, lean in zip(names, vectors.idf_.tolist(), leaning, strict=True)
    }
    said = np.asarray((found[len(real.texts) :] > 0).sum(axis=0)).ravel()
    loudest = sorted(range(len(names)), key=lambda at: (-leaning[at], names[at]))
    spoken = [names[at] for at in loudest if said[at] and leaning[at] > 0][:SHOWN]
    return Discriminator(weights, told.intercept, limit), tuple(spoken)


def _long_enough(texts: Texts) -> Texts:
    """Keep the turns that a discriminator reads."""
    kept = np.array([len(words_of(text)) >= FEWEST_WORDS for text in texts.texts], np.bool_)
    return Texts(
        tuple(text for text, keep in zip(texts.texts, kept, strict=True) if keep),
        texts.sessions[kept],
        texts.groups[kept],
    )


def read_rounds(folder: RunFolder) -> Rounds:
    """Return the rounds up to this run's; none where it has not been one.

    Raises:
        StoreError: The file is damaged.
    """
    if not folder.rounds.is_file():
        return Rounds()
    return read_noun(
        folder.rounds,
        Rounds,
        "the rounds cannot be read",
        mend="Put it back from a copy, or begin with a new first round.",
    )


def draw_rounds(rounds: Rounds, folder: RunFolder) -> None:
    """Write `rounds.svg` and `rounds.png`: AUC by round, with 95% intervals over sessions."""
    with styled():
        figure = new_figure(2.7)
        axes = figure.subplots()
        series = {"turn_auc": ("therapist turns", "synthetic"), "session_auc": ("sessions", "real")}
        for shift, (key, (label, look)) in zip((-0.06, 0.06), series.items(), strict=True):
            _series(axes, rounds, key, label, look, shift)
        axes.axhline(0.5, color="#8a8a92", lw=0.8, ls=":")
        names = [
            f"{one.number}: {one.run}\nn = {one.real} / {one.synthetic}" for one in rounds.rounds
        ]
        axes.set_xticks([one.number for one in rounds.rounds], names, fontsize=8)
        axes.set_ylim(0.45, 1.03)
        axes.set_xlim(0.5, len(rounds.rounds) + 0.5)
        axes.set_ylabel("area under ROC")
        axes.set_xlabel("round, with real / synthetic sessions")
        axes.set_title("How well real and simulated are told apart (0.5: not at all)")
        axes.legend(frameon=False, fontsize=8, loc="center left")
        save(figure, folder.comparison_figures, FIGURE)


def _series(axes: Any, rounds: Rounds, key: str, label: str, look: str, shift: float) -> None:  # noqa: ANN401 - matplotlib's Axes
    found: list[Measured] = [getattr(one, key) for one in rounds.rounds]
    colour, marker = LOOKS[look]
    arms = [
        [max(0.0, one.value - one.low) for one in found],
        [max(0.0, one.high - one.value) for one in found],
    ]
    places = [one.number + shift for one in rounds.rounds]
    axes.errorbar(
        places, [one.value for one in found], yerr=arms, color=colour, marker=marker, capsize=3,
        label=label,
    )  # fmt: skip
