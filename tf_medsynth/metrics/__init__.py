"""Pure measures, NumPy in and NumPy out, batched over the first axis.

Nothing is re-exported: import the module that names the measure, e.g. ``metrics.overlap``.
Where a value does not exist (the Dice of an empty label, the mean over no organ) the answer is NaN,
never 0 or 1; `metrics.arrays.known_mean` averages what exists.
"""
