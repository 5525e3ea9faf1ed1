"""The classifier two-sample test: can a classifier tell the two sides apart?

Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", ICLR 2017. Scores are out of fold,
folds hold whole groups (a video, a persona), and the interval is a bootstrap over sessions, since
utterances of one session resemble one another. 0.5 is chance, 1 is told apart without fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus.compare.encode import WORDS
from corpus.compare.result import Measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

FOLDS = 5
CONFIDENCE = 0.95
SAMPLES = 1000
"""Resamples behind each interval."""
TELLTALE = 5
"""Words named at most for each example."""


@dataclass(frozen=True)
class Texts:
    """Texts of one side with the session and the group that each is from."""

    texts: tuple[str, ...]
    sessions: NDArray[np.int64]
    groups: NDArray[np.int64]


@dataclass(frozen=True)
class Told:
    """What came of a test: AUC, and for each text of the second side its out-of-fold score."""

    auc: Measured
    session_auc: Measured
    """The same over sessions, by the mean of their texts."""
    scores: NDArray[np.float64]
    """Log-odds that a text of the second side is of the second side, [texts]."""
    session_scores: NDArray[np.float64]
    """The mean of them for each session of the second side, in the order of the sessions."""
    words: tuple[tuple[str, ...], ...]
    """What spoke loudest for that, in each text of the second side."""
    weights: NDArray[np.float64]
    """Mean over the folds of each word's weight, in the order of `vectorizer`'s words."""
    intercept: float


def tell_apart(first: Texts, second: Texts, seed: int, *, words: bool = False) -> Told | None:
    """Test `first` against `second`; None where there are not two groups of each.

    Logistic regression on TF-IDF of words and pairs of words; both sides weigh the same.
    """
    folds = min(FOLDS, len(set(first.groups)), len(set(second.groups)))
    if folds < 2:
        return None
    vectors, names = _vectors([*first.texts, *second.texts])
    is_second = np.repeat([0, 1], [len(first.texts), len(second.texts)])
    groups = np.concatenate([first.groups, second.groups + first.groups.max() + 1])
    scores, told, weights = _out_of_fold(
        vectors, names, is_second, groups, folds, seed, words=words
    )
    split = len(first.texts)
    own, theirs = scores[:split], scores[split:]
    means = [_means(own, first.sessions), _means(theirs, second.sessions)]
    alone = [np.arange(len(mean)) for mean in means]
    return Told(
        auc=_auc(own, first.sessions, theirs, second.sessions, seed),
        session_auc=_auc(means[0], alone[0], means[1], alone[1], seed),
        scores=theirs,
        session_scores=means[1],
        words=tuple(told[split:]),
        weights=weights[:-1],
        intercept=float(weights[-1]),
    )


def _means(scores: NDArray[np.float64], sessions: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean score of each session, in the order of the sessions."""
    _, at, sizes = np.unique(sessions, return_inverse=True, return_counts=True)
    return np.bincount(at, weights=scores) / sizes


def vectorizer() -> Any:  # noqa: ANN401 - scikit-learn's
    """Return TF-IDF of words and pairs of words that come up twice."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, token_pattern=WORDS)


def _vectors(texts: Sequence[str]) -> tuple[csr_matrix, NDArray[np.str_]]:
    made = vectorizer()
    try:
        return made.fit_transform(texts), made.get_feature_names_out()
    except ValueError:  # no word comes up twice: nothing to tell them apart by
        from scipy import sparse

        return sparse.csr_matrix((len(texts), 1)), np.array([""])


def _out_of_fold(
    vectors: csr_matrix,
    names: NDArray[np.str_],
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    folds: int,
    seed: int,
    *,
    words: bool,
) -> tuple[NDArray[np.float64], list[tuple[str, ...]], NDArray[np.float64]]:
    from sklearn.model_selection import StratifiedGroupKFold

    scores = np.zeros(len(labels))
    told: list[tuple[str, ...]] = [()] * len(labels)
    weights = [np.zeros(vectors.shape[1] + 1)]
    split = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for train, test in split.split(vectors, labels, groups):
        if len(set(labels[train])) < 2:
            continue
        model = learned(vectors[train], labels[train])
        scores[test] = model.decision_function(vectors[test])
        weights.append(np.append(model.coef_[0], model.intercept_[0]))
        if words:
            for row in test[labels[test] == 1]:
                told[row] = telltale(vectors[row], model.coef_[0], names)
    return scores, told, np.mean(weights[1:] or weights, axis=0)


def learned(vectors: csr_matrix, labels: NDArray[np.int64]) -> Any:  # noqa: ANN401 - scikit-learn's
    """Return a logistic regression in which both sides weigh the same."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=10, class_weight="balanced", max_iter=1000)
    return model.fit(vectors, labels)


def telltale(
    row: csr_matrix, weights: NDArray[np.float64], names: NDArray[np.str_]
) -> tuple[str, ...]:
    """Return the words of one text that speak loudest for the second side, loudest first."""
    parts = row.data * weights[row.indices]
    order = sorted(range(len(parts)), key=lambda at: (-parts[at], str(names[row.indices[at]])))
    return tuple(str(names[row.indices[at]]) for at in order[:TELLTALE] if parts[at] > 0)


def _auc(
    low: NDArray[np.float64],
    low_sessions: NDArray[np.int64],
    high: NDArray[np.float64],
    high_sessions: NDArray[np.int64],
    seed: int,
) -> Measured:
    """Return the area under ROC with its interval over sessions.

    How often each session's texts win against each other session's is counted once; a resample
    only weighs these counts anew.
    """
    wins, low_sizes, high_sizes = _wins(low, low_sessions, high, high_sessions)
    rng = np.random.default_rng((seed, len(low), len(high)))
    lows = rng.multinomial(len(low_sizes), np.full(len(low_sizes), 1 / len(low_sizes)), SAMPLES)
    highs = rng.multinomial(len(high_sizes), np.full(len(high_sizes), 1 / len(high_sizes)), SAMPLES)
    drawn = ((lows @ wins) * highs).sum(axis=1) / ((lows @ low_sizes) * (highs @ high_sizes))
    least, most = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    value = wins.sum() / (low_sizes.sum() * high_sizes.sum())
    return Measured(value=float(value), low=float(least), high=float(most), n=(len(low), len(high)))


def _wins(
    low: NDArray[np.float64],
    low_sessions: NDArray[np.int64],
    high: NDArray[np.float64],
    high_sessions: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Count pairs that `high` wins, ties as halves, [sessions of low, sessions of high]."""
    low_ids, low_at, low_sizes = np.unique(low_sessions, return_inverse=True, return_counts=True)
    high_ids, high_at, high_sizes = np.unique(
        high_sessions, return_inverse=True, return_counts=True
    )
    wins = np.zeros((len(low_ids), len(high_ids)))
    for session in range(len(low_ids)):
        own = np.sort(low[low_at == session])
        under = np.searchsorted(own, high, side="left")
        upto = np.searchsorted(own, high, side="right")
        wins[session] = np.bincount(high_at, weights=(under + upto) / 2, minlength=len(high_ids))
    return wins, low_sizes, high_sizes
