"""Labelled, registered, multimodal medical images from noise, on TensorFlow 2 / Keras.

The verbs of the ``medsynth`` command are functions of this package, e.g. `tf_medsynth.train`;
they are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tf_medsynth.version import __version__

if TYPE_CHECKING:
    from pipelines.demo import demo
    from pipelines.pipeline import pipeline
    from tf_medsynth.audits.audit import audit
    from tf_medsynth.audits.evaluate import evaluate
    from tf_medsynth.audits.features import train_features as train_features
    from tf_medsynth.phantoms import phantom
    from tf_medsynth.runs.doctor import doctor
    from tf_medsynth.runs.export import export
    from tf_medsynth.runs.generate import generate
    from tf_medsynth.runs.nnunet import nnunet
    from tf_medsynth.runs.prepare import prepare
    from tf_medsynth.runs.report import report
    from tf_medsynth.runs.train import train
    from tf_medsynth.saved_model.sample import sample
    from tf_medsynth.serving import serve
    from tf_medsynth.studies.study import pool_studies as pool_studies
    from tf_medsynth.studies.study import study
    from tf_medsynth.viewer.gallery import gallery

__all__ = [
    "__version__",
    "audit",
    "demo",
    "doctor",
    "evaluate",
    "export",
    "gallery",
    "generate",
    "nnunet",
    "phantom",
    "pipeline",
    "prepare",
    "report",
    "sample",
    "serve",
    "study",
    "train",
]

_ROOMS = {
    "phantom": "tf_medsynth.phantoms",
    "doctor": "tf_medsynth.runs.doctor",
    "prepare": "tf_medsynth.runs.prepare",
    "train": "tf_medsynth.runs.train",
    "generate": "tf_medsynth.runs.generate",
    "audit": "tf_medsynth.audits.audit",
    "evaluate": "tf_medsynth.audits.evaluate",
    "train_features": "tf_medsynth.audits.features",  # of the verb `evaluate`
    "report": "tf_medsynth.runs.report",
    "study": "tf_medsynth.studies.study",
    "pool_studies": "tf_medsynth.studies.study",  # of the verb `study`
    "export": "tf_medsynth.runs.export",
    "nnunet": "tf_medsynth.runs.nnunet",
    "sample": "tf_medsynth.saved_model.sample",
    "serve": "tf_medsynth.serving",
    "gallery": "tf_medsynth.viewer.gallery",
    "pipeline": "pipelines.pipeline",
    "demo": "pipelines.demo",
}
_WITHOUT_TENSORFLOW = {"phantom", "doctor", "serve", "pipeline", "demo"}


def __getattr__(name: str) -> Any:
    """The verb `name`, imported now."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name not in _WITHOUT_TENSORFLOW:
        from tf_medsynth.runtime import require_tensorflow

        require_tensorflow()
    verb = getattr(importlib.import_module(_ROOMS[name]), name)
    globals()[name] = verb
    return verb


def __dir__() -> list[str]:
    """Every public name, whether it has been imported or not."""
    return sorted({*globals(), *__all__})
