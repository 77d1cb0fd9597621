"""Whole runs: config to stage to `fit`, checkpoints and resume; the plain-Python form of the verbs."""
