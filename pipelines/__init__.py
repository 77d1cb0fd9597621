"""Pipelines: the verbs of `tf_medsynth` strung into components that a runner schedules.

The room is laid out for components of their own folder each (``components/<verb>/``), the pipeline
that joins them and its runners. Components hold no logic: each calls the verb of its name, and a
step that is finished is recognised by the verb's own fingerprint, whoever calls it.
"""
