from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

from domain.settings import LoraSettings, TrainingSettings
from training import gauge
from training.gauge import Gauge, card_rate, operations_per_token, peak_memory_mb
from training.method import adapt
from training.models import load_base
from training.ranks import Ranks

if TYPE_CHECKING:
    from pathlib import Path

CPU, CARD = torch.device("cpu"), torch.device("cuda", 0)


def named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _device: name)


@pytest.mark.parametrize(
    ("name", "teraflops"),
    [
        ("NVIDIA H100 80GB HBM3", 989),
        ("NVIDIA H100 PCIe", 756),
        ("NVIDIA H200", 989),
        ("NVIDIA A100-SXM4-80GB", 312),
        ("NVIDIA L40S", 362),
        ("NVIDIA L4", 121),
    ],
)
def test_cards_are_known_by_name(
    name: str, teraflops: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(monkeypatch, name)
    assert card_rate(CARD) == teraflops * 1e12


@pytest.mark.parametrize("name", ["NVIDIA A10G", "NVIDIA GeForce GTX 1080", "NVIDIA A4000"])
def test_a_card_that_is_not_listed_has_no_rate(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, name)
    assert card_rate(CARD) is None


def test_operations_count_what_is_trained_and_what_is_not(small_base: Path) -> None:
    base: Any = load_base(str(small_base), CPU)
    frozen = sum(one.numel() for one in base.parameters())
    tied = base.get_output_embeddings().weight is base.get_input_embeddings().weight
    if not tied:
        frozen -= base.get_input_embeddings().weight.numel()
    model = adapt(base, TrainingSettings(lora=LoraSettings(r=4)), "tiny")
    trained = sum(one.numel() for one in model.parameters() if one.requires_grad)
    assert trained > 0
    assert operations_per_token(model) == 4 * frozen + 6 * trained


def test_use_is_share_of_all_cards(small_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_base(str(small_base), CPU)
    monkeypatch.setattr(gauge, "card_rate", lambda _device: 1e9)
    read = Gauge(model, Ranks(0, 2, CPU)).reading(computed=1000, seconds=2.0)
    assert read["tokens_per_s"] == 500
    assert read["mfu"] == pytest.approx(500 * operations_per_token(model) / 2e9)


def test_on_a_cpu_use_is_left_out(small_base: Path) -> None:
    read = Gauge(load_base(str(small_base), CPU), Ranks()).reading(10, 1.0)
    assert "mfu" not in read
    assert read["memory_mb"] == pytest.approx(peak_memory_mb(CPU), rel=0.2)
    assert read["memory_mb"] > 100
