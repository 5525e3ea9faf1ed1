"""How far one judge can be believed: repeats, padding, halo, planted flaws, injection, people."""
