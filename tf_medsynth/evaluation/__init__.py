"""Arrays in, plain dictionaries out: what a synthetic set is worth, and the page that says so.

Nothing is re-exported: import the module that names the question, e.g. ``evaluation.lesion``.
Every dictionary holds only JSON values; a number that does not exist is NaN.
"""
