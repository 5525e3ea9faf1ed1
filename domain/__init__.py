"""The nouns of Rehearsal: personas, turns, sessions, critiques, records, verdicts, errors.

Everything here is plain data: pydantic and the standard library only.
"""
