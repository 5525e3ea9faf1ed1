from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agents.acceptance import critique_of
from agents.telltale import sent_back_for
from domain.critique import Telltale
from tests.support.cast import a_persona, turns_of
from tests.support.critiques import critique_answer

if TYPE_CHECKING:
    from agents.pack import Pack
    from domain.critique import Critique


def found(score: float) -> Telltale:
    return Telltale(score=score, limit=1.0, turns=(2, 6), words=("delve", "you feel"))


@pytest.fixture
def accepted(pack: Pack) -> Critique:
    turns = turns_of("How are you?", "Well.", "So you are well.", "Yes, I am.")
    critique = critique_of(critique_answer(pack, 5), pack, a_persona(), turns)
    return critique.model_copy(
        update={"accepted": True, "reasons": (), "rewind_to": None, "guidance": ()}
    )


def test_without_a_discriminator_nothing_changes(accepted: Critique) -> None:
    assert sent_back_for(accepted, None) is accepted


def test_under_the_limit_it_is_only_noted(accepted: Critique) -> None:
    noted = sent_back_for(accepted, found(0.5))
    assert noted.accepted
    assert noted == accepted.model_copy(update={"telltale": found(0.5)})


def test_over_the_limit_it_goes_back_with_its_own_words(accepted: Critique) -> None:
    back = sent_back_for(accepted, found(1.5))
    assert not back.accepted
    assert back.rewind_to == 2
    assert back.reasons == ('It is told from real sessions at 1.5, over 1.0: "delve", "you feel".',)
    assert '"delve", "you feel"' in back.guidance[-1]


def test_an_earlier_flaw_is_gone_back_to(accepted: Critique) -> None:
    flawed = accepted.model_copy(update={"rewind_to": 0, "guidance": ("Reflect.",)})
    back = sent_back_for(flawed, found(1.5))
    assert back.rewind_to == 0
    assert back.guidance[0] == "Reflect."
