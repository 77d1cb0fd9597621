"""Measures of any set of images: evaluation, certificates, blessing."""
