"""Measured comparisons: what a model call, a session and a store cost here and elsewhere.

Every figure is a ratio, or CPU time, inside one run: `python -m benchmarks.simulation`.
"""
