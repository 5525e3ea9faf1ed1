from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from domain.errors import ConfigError, EvaluationError
from domain.runfolder import RunFolder
from domain.verdict import Verdict
from evaluation.certificate import figures
from evaluation.certificate.agreement import alpha, icc_agreement, icc_single, kappa, spearman
from evaluation.certificate.bases import Base, bases_of
from evaluation.certificate.item import JudgeItem, Verdicts
from evaluation.certificate.labels import one_fold, read_labels
from evaluation.certificate.material import material, padded
from evaluation.certificate.people import beside_people
from evaluation.certificate.twins import BELITTLING, SOUND, Trials, trials_of
from tests.evaluation.invented_run import context, make_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CRITERIA = ("empathy", "relevance")
LINES = {line for kind in material().worse for line in kind.lines}


def trials() -> Trials:
    bases = []
    for number in range(24):
        place = context(number, "It was hard.")
        text = f"Reply {number}: " + "it sounds heavy " * (1 + number % 6)
        bases.append(Base(item=JudgeItem(context=place, text=text), sound=True))
    return trials_of(bases, 1)


def judged(made: Trials, rule: Callable[[JudgeItem], int | None]) -> figures.Scores:
    return figures.Scores({name: verdicts(item, rule) for name, item in made.items().items()})


def verdicts(item: JudgeItem, rule: Callable[[JudgeItem], int | None]) -> Verdicts:
    score = rule(item)
    return Verdicts(
        verdicts=tuple(
            Verdict(
                scenario_id=item.context.id, variant="-", criterion=one, score=score,
                failure="" if score else "invalid: no JSON", call="c/0/0/0",
            )
            for one in CRITERIA
        )
    )  # fmt: skip


def perfect(item: JudgeItem) -> int:
    return 4 if f"Reply {item.context.turns[1].text.split()[1].strip(':')}:" in item.text else 1


def injectable(item: JudgeItem) -> int:
    plain = item.text in LINES or item.text.rstrip().endswith("heavy")
    return 1 if plain else 5


def test_agreement_is_that_of_the_published_examples() -> None:
    shrout = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9],
                       [6, 2, 4, 7]], dtype=float)  # fmt: skip
    assert icc_single(shrout) == pytest.approx(0.17, abs=0.005)
    assert icc_agreement(shrout) == pytest.approx(0.29, abs=0.005)
    o = math.nan
    krippendorff = np.array([
        [1, 2, 3, 3, 2, 1, 4, 1, 2, o, o, o], [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, o, 3],
        [o, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, o], [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, o],
    ])  # fmt: skip
    assert alpha(krippendorff.T) == pytest.approx(0.849, abs=0.0005)
    pairs = np.array([[1, 1], [2, 3], [3, 2], [5, 5]], dtype=float)
    assert spearman(pairs) == pytest.approx(0.8)
    assert kappa(pairs) == pytest.approx(
        1 - 2 / (2 * 4 * 35 / 16)
    )  # squares 2; sum of sq. dev. 35/4
    assert spearman(np.ones((5, 2))) is None
    assert icc_single(np.ones((5, 3))) is None


def test_a_perfect_judge_prefers_every_original_and_gives_no_way() -> None:
    made = trials()
    scores = judged(made, perfect)
    found = figures.worse(made, scores, CRITERIA, 1)
    assert set(found) == {"another_scenario", "belittling", "off_topic"}
    assert all(one.preferred.value == 1 and one.preferred.n == 24 for one in found.values())
    assert figures.injection(made.injected[SOUND], scores, CRITERIA, 1).shift.value == 0


def test_a_constant_judge_prefers_nothing_and_has_no_agreement() -> None:
    made = trials()
    scores = judged(made, lambda _: 3)
    assert {one.preferred.value for one in figures.worse(made, scores, CRITERIA, 1).values()} == {0}
    repeat = figures.repeats(made.bases, [scores] * 5, "empathy", 1)
    assert (repeat.icc.value, repeat.same.value) == (None, 1)


def test_a_judge_that_loves_length_is_shown_to() -> None:
    made = trials()
    scores = judged(made, lambda item: min(5, 1 + len(item.text.split()) // 9))
    rho = figures.length(made.bases, [scores], "empathy", 1).value
    assert rho is not None
    assert rho > 0.8
    moved = figures.shift(made.padded, scores, ("empathy",), 1)
    assert moved.low is not None
    assert moved.low > 0.5
    assert figures.halo(made.bases, [scores], CRITERIA, 1)[0].judge.value == pytest.approx(1)


def test_an_injectable_judge_rises_by_the_whole_scale() -> None:
    made = trials()
    found = figures.injection(made.injected[BELITTLING], judged(made, injectable), CRITERIA, 1)
    assert found.shift.value == 4
    assert found.changed.value == 1
    assert found.shift.n == 100


def test_unreadable_verdicts_are_counted_and_left_out() -> None:
    made = trials()
    items = made.items()
    found = {name: verdicts(item, lambda _: None) for name, item in items.items()}
    assert figures.failures_of([found]) == (2 * len(items), {"invalid": 2 * len(items)})
    assert figures.worse(made, figures.Scores(found), CRITERIA, 1)["off_topic"].preferred.n == 0


def test_padding_has_twice_the_words_and_the_payloads_are_fifty() -> None:
    import random

    text = padded("You felt left alone with it.", random.Random(1))
    assert text.startswith("You felt left alone with it. ")
    assert len(text.split()) >= 12
    listed = [one for texts in material().payloads.values() for one in texts]
    assert len(set(listed)) == 50
    assert all("{reply}" in one for one in listed)


def test_a_table_of_two_raters_is_held_against_the_judge(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    rows = [f"I feel {n} today,Reply {n},{1 + n % 5},{1 + n % 5}" for n in range(10)]
    path.write_text("scenario,reply,empathy:ann,empathy:bo\n" + "\n".join(rows))
    labels = read_labels(path)
    items = [item for one in labels.rated for item in one.items]
    rule = lambda item: 1 + int(item.text.split()[1]) % 5  # noqa: E731
    scores = figures.Scores({i.answer.judged_id: verdicts(i, rule) for i in items})
    found = beside_people(labels, scores, CRITERIA, 1).criteria["empathy"]
    assert found.raters == 2
    assert found.judge.spearman.value == pytest.approx(1)
    assert found.judge.kappa.value == pytest.approx(1)
    assert found.among is not None
    assert found.among.alpha.value == pytest.approx(1)


def test_a_report_says_that_its_judge_is_uncalibrated(tmp_path: Path) -> None:
    from evaluation.report import write_report

    html = write_report(*make_run(tmp_path, scenarios=6)).read_text(encoding="utf-8")
    assert "The judge is uncalibrated" in html
    assert "rehearsal judge certify" in html


def test_a_tried_judge_stands_in_the_report_and_is_asked_nothing_twice(tmp_path: Path) -> None:
    from domain.progress import silent
    from evaluation.certificate.run import certify
    from evaluation.report import write_report
    from tests.evaluation.test_run import Judge
    from tests.support.threaded import ThreadedServer

    judge = Judge()
    with ThreadedServer(judge.app()) as server:
        role = {"base_url": f"{server.url}/v1", "model": "judge", "trusted_for_real": True}
        settings, folder = make_run(
            tmp_path, scenarios=12, roles={"judge": role}, engine={"kind": "inline"}
        )
        first = certify(settings, folder, silent, replies=12)
        asked = len(judge.bodies)
        assert certify(settings, folder, silent, replies=12) == first
    assert len(judge.bodies) == asked
    assert asked >= first.verdicts > 0
    assert first.judge.model == "judge"
    html = write_report(settings, folder).read_text(encoding="utf-8")
    assert "its certificate" in html
    assert "uncalibrated" not in html
    other = settings.roles.judge.model_copy(update={"model": "another"})
    roles = settings.roles.model_copy(update={"judge": other})
    html = write_report(settings.model_copy(update={"roles": roles}), folder).read_text()
    assert "uncalibrated" in html


def test_shares_of_the_ratings_are_whole_and_apart(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    rows = [f"I feel {n},Reply {n},{1 + n % 5},g{n // 2}" for n in range(40)]
    path.write_text("scenario,reply,empathy:ann,group\n" + "\n".join(rows))
    labels = read_labels(path)
    first, second = one_fold(labels, "0/2"), one_fold(labels, "1/2")
    groups = [{one.group for one in each.rated} for each in (first, second)]
    assert not groups[0] & groups[1]
    assert len(first.rated) + len(second.rated) == 40
    assert min(len(first.rated), len(second.rated)) > 4
    with pytest.raises(ConfigError, match="no share"):
        one_fold(labels, "2/2")


def test_a_run_without_replies_is_tried_on_those_that_people_have_rated(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    rows = [f"I feel {n},Reply {n},3" for n in range(20)]
    path.write_text("scenario,reply,empathy:ann\n" + "\n".join(rows))
    labels = read_labels(path)
    assert len(bases_of(RunFolder(tmp_path / "empty"), 12, 1, labels)) == 12
    with pytest.raises(EvaluationError, match="too few replies"):
        bases_of(RunFolder(tmp_path / "empty"), 12, 1)
