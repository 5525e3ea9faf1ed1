"""People, formats and sentences of the check."""
