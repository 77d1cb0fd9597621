"""The embedded cohort: procedural brains with tumours, imaged by the equations of the scanner."""

from tf_medsynth.phantoms.cohort import phantom

__all__ = ["phantom"]
