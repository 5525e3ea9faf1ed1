"""Controls: candidates of which it is known beforehand how they must come out."""
