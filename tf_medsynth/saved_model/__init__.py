"""Trained networks as a SavedModel: signatures, the folder around them, and the way back.

`record` and `loading` need no Keras: a sample is on the screen soon after a cold start.
"""
