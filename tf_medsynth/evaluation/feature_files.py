"""Frozen networks in files: whole Keras models, Keras 2's ``.h5`` files, SavedModels."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import tensorflow as tf

from tf_medsynth.config.base import check
from tf_medsynth.config.evaluation import ARCHITECTURES
from tf_medsynth.runtime.saved_models import load_saved_model

Network = tuple[Callable[[Any], Any], tuple[int | None, ...]]
"""A function of images, and the shape of its input, the batch first."""

WHOLE, H5 = ".keras", (".h5", ".hdf5")

_UNREADABLE = (ValueError, TypeError, OSError, KeyError, ImportError, AttributeError)


def check_architecture(path: Path, architecture: str | None) -> None:
    """Raises unless `path` holds its architecture, or weights alone and `architecture` is theirs to name.

    Args:
        path: a file that ends in `WHOLE` or one of `H5`, or the folder of a SavedModel.
        architecture: one of `ARCHITECTURES`.
    """
    check(
        "unknown architecture of an extractor",
        architecture is None or architecture in ARCHITECTURES,
        f"Known: {', '.join(ARCHITECTURES)}. Save others whole, as .keras.",
        architecture=architecture,
    )
    alone = _weights_alone(path)
    check(
        "a file that holds its own architecture needs no other",
        alone or architecture is None,
        "Leave out --feature-architecture and state its range: --feature-range LOW HIGH.",
        extractor=path.name,
        architecture=architecture,
    )
    check(
        "an .h5 file of weights alone needs its architecture",
        not alone or architecture is not None,
        f"Pass --feature-architecture {'|'.join(ARCHITECTURES)}.",
        extractor=path.name,
    )


def read_network(path: Path, architecture: str | None = None) -> Network:
    """The network in `path`; no code in a file is run.

    Args:
        path, architecture: as `check_architecture` took them.

    Raises:
        MedSynthError: unreadable, a graph that does more than compute, several inputs or outputs,
            weights that fit another architecture.
    """
    if _weights_alone(path):
        return _weights_file(path, str(architecture))
    return (_saved_model if path.is_dir() else _whole_file)(path)


def _weights_alone(path: Path) -> bool:
    if path.suffix not in H5:
        return False
    try:
        with h5py.File(path, "r") as held:
            return "model_config" not in held.attrs
    except OSError as error:
        check("an .h5 file must be whole", False, file=str(path), error=_first_line(error))
        raise


def _whole_file(path: Path) -> Network:
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except (*_UNREADABLE, zipfile.BadZipFile) as error:
        rule = f"a {path.suffix} file must be whole and hold no code of its own"
        check(rule, False, file=str(path), error=_first_line(error))
    return _frozen(model, path)


def _weights_file(path: Path, architecture: str) -> Network:
    """Weights alone, as Keras publishes them, in the architecture that the user names."""
    build = getattr(keras.applications, architecture)
    model = build(include_top=False, weights=None, input_shape=(None, None, 3))
    try:
        model.load_weights(path)
    except _UNREADABLE as error:
        check(
            f"the weights must be those of {architecture} without its top",
            False,
            "Name the architecture of the file, and take the file whose name ends in notop.",
            file=str(path),
            error=_first_line(error),
        )
    return _frozen(model, path)


def _frozen(model: Any, path: Path) -> Network:
    shape = getattr(model, "input_shape", None)
    check(
        "an extractor has one input and one output",
        isinstance(shape, tuple) and len(getattr(model, "outputs", None) or ()) == 1,
        extractor=path.name,
        input=shape,
    )
    model.trainable = False
    return tf.function(lambda images: model(images, training=False), autograph=False), tuple(shape or ())


def _saved_model(path: Path) -> Network:
    held = load_saved_model(path)
    signatures = getattr(held, "signatures", {})
    check(
        "a SavedModel needs the signature serving_default",
        "serving_default" in signatures,
        "Save it with model.export(...).",
        extractor=path.name,
        signatures=sorted(signatures),
    )
    call = signatures["serving_default"]
    inputs, outputs = call.structured_input_signature[1], call.structured_outputs
    check(
        "an extractor has one input and one output",
        len(inputs) == 1 and len(outputs) == 1,
        extractor=path.name,
        inputs=sorted(inputs),
        outputs=sorted(outputs),
    )
    ((argument, spec),) = inputs.items()
    (answer,) = outputs

    def network(images: Any, _held: Any = held) -> Any:
        """Keeps the model alive, whose variables the signature only borrows."""
        return call(**{argument: tf.cast(images, spec.dtype)})[answer]

    return network, tuple(spec.shape.as_list() if spec.shape.rank is not None else ())


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
