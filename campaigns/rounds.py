"""The end of a round: learn what tells its accepted sessions from real ones, for the next round.

This is the barrier of the adversarial part. Within a round every draft is read by the same
discriminator, so that no session depends on when another ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from campaigns.telltale import before

if TYPE_CHECKING:
    from corpus.rounds import Round
    from domain.runfolder import RunFolder
    from domain.settings import Settings


def close_round(settings: Settings, folder: RunFolder) -> Round | None:
    """Learn the round's discriminator and put its AUC beside those before; write the figure.

    None where the campaign has no `campaign.discriminator`, or there are too few sessions of a
    side to learn from.

    Raises:
        SignOffNeededError: Real records are not signed off.
        StoreError: A file cannot be read or written.
    """
    asked = settings.campaign.discriminator
    if asked is None:
        return None
    from corpus.rounds import learn_round  # what learns is not loaded where nothing is learned

    earlier = before(settings)
    sent = sent_back(folder) if earlier is not None else None
    return learn_round(settings, folder, earlier, asked.send_back, sent)


def sent_back(folder: RunFolder) -> int:
    """Count the drafts that the discriminator of the round before sent back."""
    count = 0
    with folder.sessions.open("rb") as lines:
        for line in lines:
            for draft in orjson.loads(line)["drafts"]:
                found = (draft["critique"] or {}).get("telltale")
                count += found is not None and found["score"] > found["limit"]
    return count
