"""PyYAML's safe loader: the one in C where PyYAML has it, which reads in a tenth of the time.

For data files of ours and of packs, which every process reads when it starts. What a person has
just written, the run file, is read by the loader in Python, whose errors show the place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from yaml import SafeLoader as QuickLoader
else:
    QuickLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

__all__ = ["QuickLoader"]
