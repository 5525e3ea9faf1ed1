"""The embedded stand-in for a model: an OpenAI-compatible server that plays every role offline.

It is a thin rule-and-grammar role player with a seed. It sees what any endpoint sees, the request:
the filled prompts say who speaks, what is planned and what may be told; grammars say how. It makes
the loop run without a key or a network, load-tests it, and fails on purpose when told to. Its text
is not clinical material, and its scores are not evidence about language models.
"""
