"""Bulk work on records: an index of where they stand, DuckDB over it, and reading them by place.

A corpus of a million sessions does not fit in memory. What a blend must know of a session is a row
of the index; the sessions themselves stay in their files and are read when they are written.
"""
