"""The corpus: real transcripts in, identifiers replaced, quarantined until a person signs;
synthetic sessions beside them as the same records; split, blended, exported with a card.

Read in the order of the data: `formats/` -> `ingest` -> `signoff` -> `synthetic` -> `split` ->
`blend` -> `export`. Patterns, names, roles and licences are data in `data/`.
"""
