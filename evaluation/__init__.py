"""Proof of what a model learned: models under test, judging, statistics, figures, report.

`run.evaluate` serves the base and its adapters behind one endpoint (`candidates`, `serving`), lets
each answer the same held-out scenarios (`answers`), has every answer judged blind (`verdicts`), and
hands the scores to `statistics`; `report.write_report` makes the page from what the run's folder
holds.
"""
