"""How well the critic does on people's labels, on conversations that it did not learn from.

Folds are by video (or conversation, or topic): none is in training and test at once. Each figure
is the mean over repeats of the folds; its 95% interval resamples groups (percentile bootstrap),
because utterances and sessions of one group are alike.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

from domain.base import Noun
from evaluation.critic.quality import QualityCritic
from evaluation.critic.utterances import UtteranceReader
from measures.behaviour import behaviour

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from domain.progress import Progress
    from evaluation.critic.human import Labelled, Talk

    Predict = Callable[[Sequence[Any], Sequence[Any]], Sequence[Any]]

T = TypeVar("T")

FOLDS = 5
REPEATS = 5
SAMPLES = 1000
OPENING = 8
"""Utterances of each side in `annomi_auc_first8`."""
LEVEL = 95


class Figure(Noun):
    """A figure with its 95% interval, over `n` talks or utterances in `groups` groups."""

    value: float
    low: float
    high: float
    n: int
    groups: int


def out_of_fold(
    items: Sequence[T],
    strata: Sequence[object],
    groups: Sequence[str],
    predict: Predict,
    repeats: int = REPEATS,
) -> list[NDArray[Any]]:
    """Return a prediction for each item from a model that saw nothing of its group, per repeat."""
    found = []
    for repeat in range(repeats):
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=repeat)
        predicted = np.empty(len(items), dtype=object)
        for train, test in folds.split(items, [str(one) for one in strata], groups):
            predicted[test] = predict([items[i] for i in train], [items[i] for i in test])
        found.append(predicted)
    return found


def figure(
    measure: Callable[[NDArray[Any], NDArray[Any]], float],
    truth: NDArray[Any],
    predicted: Sequence[NDArray[Any]],
    groups: Sequence[str],
    seed: int = 0,
) -> Figure:
    """Return the mean of `measure` over repeats with its interval over resampled groups."""
    names, where = np.unique(np.asarray(groups), return_inverse=True)
    members = [np.flatnonzero(where == number) for number in range(len(names))]
    dice = np.random.default_rng(seed)
    drawn = []
    for _ in range(SAMPLES):
        rows = np.concatenate([members[g] for g in dice.integers(0, len(names), len(names))])
        if len(set(truth[rows].tolist())) < 2:
            continue
        one = predicted[int(dice.integers(0, len(predicted)))]
        drawn.append(measure(truth[rows], one[rows]))
    edge = (100 - LEVEL) / 2
    low, high = (float(bound) for bound in np.percentile(drawn, [edge, 100 - edge]))
    value = float(np.mean([measure(truth, one) for one in predicted]))
    return Figure(value=value, low=low, high=high, n=len(truth), groups=len(names))


def _auc(truth: NDArray[Any], scores: NDArray[Any]) -> float:
    return float(roc_auc_score(truth.astype(bool), scores.astype(float)))


def _macro_f1(truth: NDArray[Any], labels: NDArray[Any]) -> float:
    return float(f1_score(truth.tolist(), labels.tolist(), average="macro"))


def _scores(train: Sequence[Talk], test: Sequence[Talk]) -> Sequence[float]:
    return [float(score) for score in QualityCritic.fit(train).scores(test)]


def _labels(train: Sequence[Labelled], test: Sequence[Labelled]) -> Sequence[str]:
    return UtteranceReader(train).labels(test)


def quality_auc(talks: Sequence[Talk], *, by_topic: bool = False) -> Figure:
    """Return the area under ROC of good against poor talks."""
    groups = [talk.topic if by_topic else talk.group for talk in talks]
    truth = np.array([talk.good for talk in talks])
    return figure(_auc, truth, out_of_fold(talks, truth.tolist(), groups, _scores), groups)


def shared_auc(talks: Sequence[Talk]) -> dict[str, Figure]:
    """Return the area under ROC within each corpus, of one critic trained on all of them."""
    groups = [talk.group for talk in talks]
    strata = [(talk.corpus, talk.good) for talk in talks]
    found = out_of_fold(talks, strata, groups, _scores)
    figures = {}
    for corpus in sorted({talk.corpus for talk in talks}):
        rows = np.array([talk.corpus == corpus for talk in talks])
        truth = np.array([talk.good for talk in talks])[rows]
        own = [group for group, here in zip(groups, rows, strict=True) if here]
        figures[corpus] = figure(_auc, truth, [one[rows] for one in found], own)
    return figures


def label_f1(utterances: Sequence[Labelled], repeats: int = 1) -> Figure:
    """Return the macro-F1 of learned labels."""
    truth = np.array([one.label for one in utterances])
    groups = [one.group for one in utterances]
    found = out_of_fold(utterances, truth.tolist(), groups, _labels, repeats)
    return figure(_macro_f1, truth, found, groups)


def rule_f1(utterances: Sequence[Labelled]) -> Figure:
    """Return the macro-F1 of the rules in `measures/behaviour.py`, which learn nothing."""
    truth = np.array([one.label for one in utterances])
    said = np.array([behaviour(one.text, one.previous).value for one in utterances])
    return figure(_macro_f1, truth, [said], [one.group for one in utterances])


def check(
    annomi: tuple[Sequence[Talk], Sequence[Labelled], Sequence[Labelled]] | None,
    esconv: Sequence[Talk],
    progress: Progress,
) -> dict[str, Figure]:
    """Return every figure that the data at hand allows, by name."""
    todo: dict[str, Callable[[], Figure | dict[str, Figure]]] = {}
    if annomi:
        talks, therapist, client = annomi
        opened = [talk.opening(OPENING) for talk in talks]
        todo |= {
            "annomi_auc": partial(quality_auc, talks),
            "annomi_auc_first8": partial(quality_auc, opened),
            "annomi_auc_unseen_topic": partial(quality_auc, talks, by_topic=True),
            "therapist_macro_f1": partial(label_f1, therapist),
            "therapist_macro_f1_rules": partial(rule_f1, therapist),
            "client_macro_f1": partial(label_f1, client),
        }
    if esconv:
        todo["esconv_auc_alone"] = partial(quality_auc, esconv)
    if annomi and esconv:
        todo["shared"] = partial(shared_auc, [*annomi[0], *esconv])
    figures: dict[str, Figure] = {}
    for done, (name, work) in enumerate(todo.items()):
        progress("critic", done, len(todo), name)
        found = work()
        if isinstance(found, Figure):
            figures[name] = found
        else:
            figures["annomi_auc_shared"], figures["esconv_auc"] = found["annomi"], found["esconv"]
    progress("critic", len(todo), len(todo))
    return figures
