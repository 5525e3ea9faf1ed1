"""Failures say what, where, expected, got and the mend, and survive a trip between processes."""

import pickle

import pytest

from domain import errors
from domain.errors import ConfigError, ExitCode, RehearsalError

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, RehearsalError)
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_pickles_whole(kind: type[RehearsalError]) -> None:
    error = kind("it broke", where="here", expected="a", got="b", mend="c")
    back = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(back) is kind
    assert (back.what, back.fields()) == (error.what, error.fields())


def test_text_names_every_part_that_is_known() -> None:
    text = str(ConfigError("unknown key", where="run.yaml:3", got="modle", mend="say model"))
    assert text.splitlines() == ["run.yaml:3: unknown key", "  got: modle", "  mend: say model"]


def test_exit_codes_are_the_contract() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "DONE": 0,
        "FAILED": 1,
        "USAGE": 2,
        "GATE_NOT_MET": 3,
        "BUDGET_REACHED": 4,
        "INTERRUPTED": 130,
    }
