"""The roles of a session, one file each, and the line to the models that play them.

`pack.py` loads the domain knowledge; `client.py`, `therapist.py`, `supervisor.py` and `judge.py`
write one role's messages and read its answer; `llm.py` is the only way to a model.
"""
