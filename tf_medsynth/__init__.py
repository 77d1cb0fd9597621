"""Labelled, registered, multimodal medical images from noise, on TensorFlow 2 / Keras.

The verbs of the ``medsynth`` command are functions of this package, e.g. `tf_medsynth.train`;
they are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.demo import demo
    from pipelines.pipeline import pipeline
    from tf_medsynth.cohorts.doctor import doctor
    from tf_medsynth.data.phantom import phantom
    from tf_medsynth.experiments.audit import audit
    from tf_medsynth.experiments.evaluate import evaluate
    from tf_medsynth.experiments.export import export
    from tf_medsynth.experiments.features import train_features as train_features
    from tf_medsynth.experiments.generate import generate
    from tf_medsynth.experiments.nnunet import nnunet
    from tf_medsynth.experiments.prepare import prepare
    from tf_medsynth.experiments.report import report
    from tf_medsynth.experiments.study import pool_studies as pool_studies
    from tf_medsynth.experiments.study import study
    from tf_medsynth.experiments.train import train
    from tf_medsynth.saved_model.sample import sample
    from tf_medsynth.serving import serve
    from tf_medsynth.viewer.gallery import gallery

__version__ = "0.1.0"

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
    "phantom": "tf_medsynth.data.phantom",
    "doctor": "tf_medsynth.cohorts.doctor",
    "prepare": "tf_medsynth.experiments.prepare",
    "train": "tf_medsynth.experiments.train",
    "generate": "tf_medsynth.experiments.generate",
    "audit": "tf_medsynth.experiments.audit",
    "evaluate": "tf_medsynth.experiments.evaluate",
    "train_features": "tf_medsynth.experiments.features",  # of the verb `evaluate`
    "report": "tf_medsynth.experiments.report",
    "study": "tf_medsynth.experiments.study",
    "pool_studies": "tf_medsynth.experiments.study",  # of the verb `study`
    "export": "tf_medsynth.experiments.export",
    "nnunet": "tf_medsynth.experiments.nnunet",
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
