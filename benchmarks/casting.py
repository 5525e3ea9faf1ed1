"""What a line of a plan costs: `python -m benchmarks.casting [LINES]`.

Casts a plan from a pack's files as a campaign does, line by line, and prints the CPU it took: for
working the shares out, and for each line.
"""

from __future__ import annotations

import json
import resource
import sys
import time

from agents.pack import load_pack
from campaigns.casting.deal import quota_of
from campaigns.casting.grammar import load_grammar
from campaigns.plan import cast_campaign
from campaigns.planfile import line_of
from domain.settings import Settings

LINES = 100_000


def main() -> None:
    """Cast, and print what it took."""
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else LINES
    pack = load_pack("cbt")
    begun = time.process_time()
    quota_of(load_grammar(pack), Settings(name="bench").campaign.casting)
    shares = time.process_time() - begun
    settings = Settings.model_validate({"name": "bench", "campaign": {"sessions": lines}})
    begun, size = time.process_time(), 0
    for item in cast_campaign(settings, pack):
        size += len(line_of(item)) + 1
    took = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {
        "lines": lines,
        "megabytes": round(size / 1e6, 1),
        "shares_s": round(shares, 2),
        "cpu_s": round(took, 2),
        "microseconds_a_line": round(1e6 * (took - shares) / lines, 1),
        "peak_mib": round(peak),
    }
    print(json.dumps(found))  # noqa: T201 - its result


if __name__ == "__main__":
    main()
