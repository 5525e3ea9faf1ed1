"""What the server of the models under test can do: `python -m benchmarks.serving [--json]`."""
