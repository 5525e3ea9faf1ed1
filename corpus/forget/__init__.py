"""Takes a person's record out of a run, wherever it or its words have got to."""
