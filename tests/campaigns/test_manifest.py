from __future__ import annotations

from campaigns.manifest import _relevant
from domain.base import content_id
from domain.settings import Settings


def test_what_a_resume_compares_is_what_the_hash_covers() -> None:
    settings = Settings(name="trial")
    assert content_id("config", _relevant(settings)) == settings.campaign_hash()
