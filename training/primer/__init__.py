"""Everyday talk from a seeded grammar: what the tiny base learns its English from."""
