"""The command line: one file per group of verbs, and what they share.

Heavy imports live inside the verbs, so that `--help` answers at once.
"""

__version__ = "0.1.0"
