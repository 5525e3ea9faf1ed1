from __future__ import annotations

import numpy as np
import pytest

from domain.errors import TrainingError
from training.batches import for_rank, micro_batches, plan_steps
from training.examples import TrainingExample


def example(name: str, length: int, supervised: int) -> TrainingExample:
    mask = np.zeros(length, dtype=np.bool_)
    mask[length - supervised :] = True
    return TrainingExample(name, np.arange(length, dtype=np.int64) + 1, mask)


FEW = [example(f"few-{n}", 30 + n, 11) for n in range(3)]
MANY = [example(f"many-{n}", 20 + n, 5 + n % 7) for n in range(60)]


@pytest.mark.parametrize("total", [90, 997, 1000, 1049, 1051])
def test_variants_see_equally_many_tokens_in_equally_many_steps(total: int) -> None:
    plans = [plan_steps(examples, total, 100, seed=3) for examples in (FEW, MANY)]
    assert len(plans[0].steps) == len(plans[1].steps)
    for plan in plans:
        assert sum(one.supervised for step in plan.steps for one in step) == total
        assert all(step for step in plan.steps)


def test_an_example_larger_than_a_step_is_shared_out() -> None:
    plan = plan_steps([example("long", 900, 700)], 1400, 100, seed=0)
    assert len(plan.steps) == 14
    assert all(50 <= sum(one.supervised for one in step) <= 150 for step in plan.steps)
    assert plan.epochs == 2


def test_the_order_depends_on_the_seed_only() -> None:
    names = [
        [one.record_id for step in plan_steps(MANY, 500, 100, seed).steps for one in step]
        for seed in (1, 1, 2)
    ]
    assert names[0] == names[1]
    assert names[0] != names[2]


def test_a_curriculum_is_learned_as_it_stands() -> None:
    plan = plan_steps(MANY, 500, 100, 1, keep_order=True)
    names = [one.record_id for step in plan.steps for one in step]
    passed = [f"many-{n}" for n in range(60)]
    assert list(dict.fromkeys(names))[:60] == passed[: len(dict.fromkeys(names))]


def test_every_pass_takes_each_example_once() -> None:
    plan = plan_steps(MANY, sum(one.supervised for one in MANY), 50, seed=5)
    names = [one.record_id for step in plan.steps for one in step]
    assert sorted(names) == sorted(one.record_id for one in MANY)


def test_ranks_share_a_step_without_overlap() -> None:
    parts = [for_rank(MANY, rank, 3) for rank in range(3)]
    names = [one.record_id for part in parts for one in part]
    assert sorted(names) == sorted(one.record_id for one in MANY)
    tokens = [sum(map(len, part)) for part in parts]
    assert max(tokens) - min(tokens) < 40


def test_labels_are_the_tokens_after_the_positions() -> None:
    for batch in micro_batches(MANY, 200):
        assert batch.input_ids.size <= 200
        assert (batch.input_ids[batch.positions + 1] == batch.labels).all()
        assert (batch.labels > 0).all()


def test_micro_batches_keep_every_supervised_token() -> None:
    kept = sum(len(batch.labels) for batch in micro_batches(MANY, 200))
    assert kept == sum(one.supervised for one in MANY)


def test_nothing_supervised_is_refused() -> None:
    with pytest.raises(TrainingError, match="nothing to train on"):
        plan_steps([example("mute", 10, 0)], 100, 10, seed=0)
