"""The call ledger: every model call is written before its answer is used, and read to resume."""
