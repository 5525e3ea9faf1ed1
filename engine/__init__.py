"""Runs any job over many items, and writes down every model call before its answer is used.

The call ledger (`ledger`, `store`) is the trace, the bill and the resume log; the pool (`pool`)
plays items in this process or on Ray workers; `cluster` is the only module here that imports Ray.
"""
