"""The `retina` data set: colour photographs of the fundus with an annotation of the vessels."""
