"""The models under test, as endpoints: what is on disk, and the servers that are started for it."""
