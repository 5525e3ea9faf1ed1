"""Forms in which records leave: one module per family, and `FORMS` by name."""
