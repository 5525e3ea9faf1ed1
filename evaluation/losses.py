"""Held-out losses as training measured them."""
