"""Our own server for the models under test: OpenAI's wire over transformers, for a CPU.

In the order of a request: `requests` reads it and refuses what is not supported, `app` fits it into
the context, `batcher` has it wait for company, `models` answers the batch and `sampling` draws each
row's tokens. `python -m evaluation.serving` starts it.
"""
