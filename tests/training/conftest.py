"""A base so small that training it takes a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from training.base import ensure_base
from training.models import load_tokenizer
from training.tiny import Recipe

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PreTrainedTokenizerBase

SMALL = Recipe(
    vocabulary=600, layers=2, inner=64, positions=512, talks=80, length=64, batch=2, steps=12
)


@pytest.fixture(scope="session")
def small_recipe() -> Recipe:
    return SMALL


@pytest.fixture(scope="session")
def small_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_base(tmp_path_factory.mktemp("bases"), recipe=SMALL)


@pytest.fixture
def tokenizer(small_base: Path) -> PreTrainedTokenizerBase:
    """A fresh one for every test, because tests change its template."""
    return load_tokenizer(str(small_base))
