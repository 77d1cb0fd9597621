"""A run directory: its stages trained, restored, recorded, drawn from, exported and reported."""
