"""A page in the browser over an exported model: patients, lesions of one's own, files to take away."""

from tf_medsynth.viewer.start import GallerySummary, gallery

__all__ = ["GallerySummary", "gallery"]
