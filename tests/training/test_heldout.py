from __future__ import annotations

import math

import numpy as np
import pytest

from training.examples import TrainingExample
from training.heldout import unigram_losses


def test_unigram_is_add_one_over_supervised_tokens() -> None:
    mask = np.array([False, True, True, True])
    seen = [TrainingExample("a", np.array([9, 1, 1, 2]), mask)]
    asked = [TrainingExample("b", np.array([9, 1, 2, 3]), mask)]
    # vocabulary of 10: p(1) = 3/13, p(2) = 2/13, p(3) = 1/13; token 9 is not supervised
    expected = -sum(math.log(count / 13) for count in (3, 2, 1))
    assert unigram_losses(seen, asked, 10) == [pytest.approx(expected)]
