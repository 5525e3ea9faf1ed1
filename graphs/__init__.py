"""How the roles are wired: `session.py` plays, `refine.py` rewinds, `judging.py` rates.

Nodes are plain async functions; models and pack arrive through the runtime context.
"""
