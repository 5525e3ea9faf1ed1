from __future__ import annotations

from collections import Counter

import orjson
import pytest
from pydantic import ValidationError

from agents.reply import read_reply
from domain.call import Outcome
from domain.errors import ConfigError
from understudy.faults import Fault, FaultSettings, read_latency
from understudy.mischief import spoil

SPOILED = {Fault.MALFORMED, Fault.WRONG_ROLE, Fault.GARBAGE, Fault.UNFIT}
KEYS = [f"session-{n}/0/{n % 23}/0" for n in range(4000)]


def test_the_same_key_meets_the_same_fault() -> None:
    settings = FaultSettings(rate_limited=0.2, hang=0.1)
    assert [settings.draw(key) for key in KEYS] == [settings.draw(key) for key in KEYS]


def test_rates_are_kept() -> None:
    settings = FaultSettings(server_error=0.25, empty=0.1)
    drawn = Counter(settings.draw(key) for key in KEYS)
    assert drawn[Fault.SERVER_ERROR] / len(KEYS) == pytest.approx(0.25, abs=0.03)
    assert drawn[Fault.EMPTY] / len(KEYS) == pytest.approx(0.1, abs=0.02)


def test_a_retry_may_fare_better() -> None:
    settings = FaultSettings(server_error=0.5)
    failed = [key for key in KEYS if settings.draw(key)]
    again = [settings.draw(key[:-1] + "1") for key in failed]
    assert None in again


@pytest.mark.parametrize("fault", sorted(SPOILED))
def test_an_answer_is_spoiled_and_nothing_else(fault: Fault) -> None:
    message = {"role": "assistant", "content": '{"a": 1}'}
    whole = orjson.dumps({"id": "x", "choices": [{"index": 0, "message": message}]})
    for key in KEYS[:20]:
        spoiled = spoil(whole, fault, key)
        assert read_reply(200, {}, whole).outcome is Outcome.OK
        unfit = fault is Fault.UNFIT
        result = read_reply(200, {}, spoiled)
        assert result.outcome is (Outcome.OK if unfit else Outcome.MALFORMED)
        assert not unfit or orjson.loads(result.text) == {"my_a": 1}
    assert spoil(whole, None, "key") == whole


def test_rates_over_one_are_refused() -> None:
    with pytest.raises(ValidationError, match="add up"):
        FaultSettings(hang=0.6, empty=0.6)


def test_latency_is_drawn_from_the_key() -> None:
    fixed = FaultSettings(latency_ms=300)
    spread = FaultSettings(latency_ms=300, latency_sigma=0.5)
    assert fixed.delay_s("a") == 0.3
    assert spread.delay_s("a") == spread.delay_s("a") != spread.delay_s("b")
    delays = sorted(spread.delay_s(key) for key in KEYS)
    assert delays[len(delays) // 2] == pytest.approx(0.3, rel=0.1)


def test_latency_is_read_in_both_forms() -> None:
    assert read_latency("250") == {"latency_ms": 250}
    assert read_latency("lognormal:300:0.5") == {"latency_ms": 300, "latency_sigma": 0.5}


@pytest.mark.parametrize("text", ["soon", "-1", "lognormal:x", "inf"])
def test_a_latency_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="latency"):
        read_latency(text)
