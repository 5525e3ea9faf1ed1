"""What an utterance does, learned: a therapist's behaviour, a client's talk.

Logistic regression on TF-IDF of its words and letters and of the words before it, beside what
`measures/` reads from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from evaluation.critic.quality import WORDS
from measures.advice import advice, information
from measures.behaviour import Behaviour, behaviour
from measures.questions import questions
from measures.reflections import reflections

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from evaluation.critic.human import Labelled

PREVIOUS, MEASURED = 0.5, 0.3
"""Weights of the words before, and of what is measured (in standard deviations)."""


class UtteranceReader:
    """Names what utterances do, after it has learned from labelled ones."""

    def __init__(self, learned: Sequence[Labelled]) -> None:
        self._own = (
            TfidfVectorizer(ngram_range=(1, 3), min_df=2, sublinear_tf=True, token_pattern=WORDS),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True),
        )
        self._before = TfidfVectorizer(min_df=3, sublinear_tf=True)
        for vectorizer in self._own:
            vectorizer.fit([one.text for one in learned])
        self._before.fit([one.previous for one in learned])
        self._scaler = StandardScaler().fit(measured(learned))
        self._model = LogisticRegression(class_weight="balanced", max_iter=300)
        self._model.fit(self._matrix(learned), [one.label for one in learned])

    def labels(self, utterances: Sequence[Labelled]) -> list[str]:
        """Return the label of each utterance."""
        return list(self._model.predict(self._matrix(utterances)))

    def _matrix(self, utterances: Sequence[Labelled]) -> csr_matrix:
        texts = [one.text for one in utterances]
        parts = [vectorizer.transform(texts) for vectorizer in self._own]
        parts.append(PREVIOUS * self._before.transform([one.previous for one in utterances]))
        parts.append(csr_matrix(MEASURED * self._scaler.transform(measured(utterances))))
        return hstack(parts).tocsr()


def measured(utterances: Sequence[Labelled]) -> NDArray[np.float64]:
    """Return a row of numbers for each utterance: lengths, questions, what it gives back."""
    return np.array([_row(one) for one in utterances], dtype=np.float64)


def _row(one: Labelled) -> list[float]:
    words, before = one.text.lower().split(), one.previous.lower().split()
    known, length = set(before), len(words) + 1
    asked = questions(one.text)
    does = behaviour(one.text, one.previous)
    return [
        np.log1p(len(words)),
        np.log1p(len(before)),
        one.text.count("?"),
        one.text.rstrip().endswith("?"),
        one.previous.rstrip().endswith("?"),
        len(asked),
        sum(question.open for question in asked),
        len(reflections(one.text, one.previous)),
        len(advice(one.text)),
        len(information(one.text)),
        sum(word in known for word in words) / length,
        sum(word in {"you", "your", "you're"} for word in words) / length,
        sum(word in {"i", "i'm", "i've", "my"} for word in words) / length,
        one.place,
        *(does is kind for kind in Behaviour),
    ]
