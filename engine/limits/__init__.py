"""How many calls may be under way at an endpoint, how fast they follow, and when to pause."""
