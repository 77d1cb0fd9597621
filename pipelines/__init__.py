"""Pipelines: the package's functions as components with typed artifacts, scheduled by Kubeflow Pipelines.

`components` has their interfaces and ``steps/`` a file for what each does, `training` joins them, and
`pipeline` runs the result here or writes it for a cluster. Steps hold no logic: one that is finished is
recognised by the functions it calls, whoever calls them.
"""
