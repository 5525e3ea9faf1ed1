"""The corpus: real transcripts and synthetic sessions as the same records.

Real transcripts are screened for identifiers and quarantined until a person signs. Read in the
order of the data: `formats/` -> `ingest` -> `signoff` -> `synthetic` -> `split` -> `blend` ->
`export`. Patterns, names, roles and licences are data in `data/`.
"""
