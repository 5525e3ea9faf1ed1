from __future__ import annotations

from campaigns.manifest import Manifest, _relevant, changes
from domain.base import content_id
from domain.settings import Settings


def test_what_a_resume_compares_is_what_the_hash_covers() -> None:
    settings = Settings(name="trial")
    assert content_id("config", _relevant(settings)) == settings.campaign_hash()


def test_a_plan_that_a_model_is_yet_to_write_is_no_change() -> None:
    begun = Manifest(settings=Settings(name="trial"), pack_hash="p", plan_hash="as-dealt")
    assert changes(begun, begun.model_copy(update={"plan_hash": ""})) == []
    assert changes(begun, begun.model_copy(update={"plan_hash": "other"})) != []
