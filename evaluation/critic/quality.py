"""The critic of sessions: how much a conversation reads like those that people call good.

Logistic regression on TF-IDF of what the therapist says (words and pairs of words) and, at half
weight, of what the client says. What it knows is words: a good session on a topic it has not met
may score low. So it is shown beside a supervisor's scores and never in their place.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from domain.errors import EvaluationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from evaluation.critic.human import Talk

FORMAT = "rehearsal-critic-1"
WORDS = r"[\w']+|\?"
"""A question mark is a word: who asks is half of what is judged."""
CLIENT = 0.5
"""Weight of the client's words."""
_SIDES = (("therapist", (1, 2)), ("client", (1, 1)))


@dataclass(frozen=True)
class QualityCritic:
    """Vocabularies, document weights and coefficients; `trained_on` counts talks by corpus."""

    vectorizers: tuple[TfidfVectorizer, TfidfVectorizer]
    weights: NDArray[np.float32]
    intercept: float
    trained_on: dict[str, int]

    @classmethod
    def fit(cls, talks: Sequence[Talk]) -> QualityCritic:
        """Learn from labelled talks; every corpus and label weighs the same.

        Raises:
            EvaluationError: Not both good and poor talks are there.
        """
        strata = Counter((talk.corpus, talk.good) for talk in talks)
        if len({good for _, good in strata}) < 2:
            raise EvaluationError(
                "a critic learns from good and poor conversations",
                where="critic",
                expected="some of each",
                got=f"{len(talks)} of one kind",
                mend="Add the other kind, e.g. --failed beside --esconv.",
            )
        vectorizers = tuple(
            TfidfVectorizer(ngram_range=pairs, min_df=2, sublinear_tf=True, token_pattern=WORDS)
            for _, pairs in _SIDES
        )
        for vectorizer, texts in zip(vectorizers, _texts(talks), strict=True):
            vectorizer.fit(texts)
        share = len(talks) / len(strata)
        model = LogisticRegression(max_iter=1000).fit(
            _matrix(vectorizers, talks),
            [talk.good for talk in talks],
            sample_weight=[share / strata[talk.corpus, talk.good] for talk in talks],
        )
        trained_on = Counter(talk.corpus for talk in talks)
        weights = model.coef_[0].astype(np.float32)
        return cls(
            (vectorizers[0], vectorizers[1]), weights, float(model.intercept_[0]), trained_on
        )

    def scores(self, talks: Sequence[Talk]) -> NDArray[np.float64]:
        """Return a log-odds for each talk: above 0 it reads more like the good ones."""
        found = _matrix(self.vectorizers, talks) @ self.weights + self.intercept
        return np.asarray(found, dtype=np.float64)

    def save(self, path: Path) -> None:
        """Write one safetensors file: numbers, with the words in its header."""
        tensors = {"weights": self.weights, "intercept": np.array([self.intercept], np.float32)}
        header = {"format": FORMAT, "trained_on": json.dumps(self.trained_on)}
        for (side, _), vectorizer in zip(_SIDES, self.vectorizers, strict=True):
            tensors[f"idf_{side}"] = vectorizer.idf_.astype(np.float32)
            words = sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.__getitem__)
            header[f"words_{side}"] = json.dumps(words)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, path, metadata=header)

    @classmethod
    def load(cls, path: Path) -> QualityCritic:
        """Read what `save` wrote.

        Raises:
            EvaluationError: The file is missing or is no critic.
        """
        try:
            with safe_open(path, framework="numpy") as file:
                header = file.metadata() or {}
                if header.get("format") != FORMAT:
                    raise EvaluationError(
                        "this file is no critic",
                        where=str(path),
                        expected=f"a safetensors file of the format {FORMAT}",
                        got=header.get("format", "no format"),
                        mend="Make one with `rehearsal critic train`.",
                    )
                vectorizers = tuple(
                    _vectorizer(
                        json.loads(header[f"words_{side}"]), file.get_tensor(f"idf_{side}"), pairs
                    )
                    for side, pairs in _SIDES
                )
                return cls(
                    (vectorizers[0], vectorizers[1]),
                    file.get_tensor("weights"),
                    float(file.get_tensor("intercept")[0]),
                    json.loads(header["trained_on"]),
                )
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise EvaluationError(
                "the critic cannot be read",
                where=str(path),
                expected="a safetensors file written by `rehearsal critic train`",
                got=str(error)[:200],
                mend="Make one with `rehearsal critic train`.",
            ) from error


def _vectorizer(
    words: list[str], idf: NDArray[np.float32], pairs: tuple[int, int]
) -> TfidfVectorizer:
    made = TfidfVectorizer(
        ngram_range=pairs, sublinear_tf=True, token_pattern=WORDS, vocabulary=words
    )
    made.idf_ = np.asarray(idf, dtype=np.float64)
    return made


def _texts(talks: Sequence[Talk]) -> tuple[list[str], list[str]]:
    said = [" ".join(talk.therapist) for talk in talks]
    heard = [" ".join(talk.client) for talk in talks]
    return said, heard


def _matrix(vectorizers: Sequence[TfidfVectorizer], talks: Sequence[Talk]) -> csr_matrix:
    said, heard = _texts(talks)
    own, other = vectorizers
    return hstack([own.transform(said), CLIENT * other.transform(heard)]).tocsr()
