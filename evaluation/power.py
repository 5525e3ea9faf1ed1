"""What a comparison of a given size can see, and how large it would have to be, by statsmodels."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

from evaluation.paired import FEW
from evaluation.summary import Power

if TYPE_CHECKING:
    from evaluation.resampling import Clusters

ALPHA, WANTED = 0.05, 0.8
MOST = 100_000
"""Nobody plays more sessions than this: a difference that needs them is as good as none."""


def power_of(clusters: Clusters) -> Power:
    """Return the power of a paired t test over sessions, which the permutation test comes close to.

    The effect is the mean difference over its standard error, times the square root of the number
    of sessions: what Cohen's d is for sessions, with their unequal sizes and whatever correlation
    their scenarios have (the design effect is in the standard error).
    """
    # Importing it sets its warnings to "always"; done inside the search, that would undo the
    # filter set there.
    import statsmodels.tools.sm_exceptions  # noqa: F401
    from statsmodels.stats.power import TTestPower

    groups, error = len(clusters.counts), clusters.error
    if groups < 2 or not error:
        return Power(detectable=None, sessions=None, scenarios=None)
    spread = error * math.sqrt(groups)
    with warnings.catch_warnings():
        # a search that finds nothing says so with a warning and returns nan
        warnings.simplefilter("ignore")
        test = TTestPower()
        found = float(test.solve_power(nobs=groups, alpha=ALPHA, power=WANTED))
        effect = abs(clusters.mean) / spread
        needed = float(test.solve_power(effect, alpha=ALPHA, power=WANTED)) if effect else math.inf
    seen = math.isfinite(found) and groups >= FEW
    detectable = found * spread if seen else None
    if not math.isfinite(needed) or needed > MOST:
        return Power(detectable=detectable, sessions=None, scenarios=None)
    sessions = max(FEW, math.ceil(needed - 1e-9))
    each = float(clusters.counts.sum()) / groups
    return Power(detectable=detectable, sessions=sessions, scenarios=math.ceil(sessions * each))
