"""Kills campaigns at every moment, and holds what they come to against runs left in peace.

`python -m benchmarks.chaos --help`; what is promised and how it is shown stands in
docs/resilience.md.
"""
