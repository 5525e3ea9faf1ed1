"""The embedded stand-in for a model: an OpenAI-compatible server that plays every role offline."""
