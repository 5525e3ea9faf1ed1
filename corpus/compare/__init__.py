"""How synthetic sessions differ from real ones, beside how far real ones are from each other."""
