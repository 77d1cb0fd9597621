"""Image in, image out, no weights: structure maps, masks, fusion, geometry, intensity, registration.

Nothing is re-exported: import the module that names the operation, e.g. ``imaging.edges``.
"""
