"""A version of a model on disk: SavedModel, record, card and warm-up, whole or not there at all."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tf_medsynth import runtime
from tf_medsynth.config.base import check
from tf_medsynth.saved_model import card, warm_up
from tf_medsynth.saved_model.record import RECORD_NAME, ModelRecord, next_version
from tf_medsynth.saved_model.signatures import DEFAULT, Signatures


@dataclasses.dataclass(frozen=True)
class Written:
    """A new version."""

    folder: Path
    signatures: list[str]
    warmed: bool  # warm-up records were written


def write_model(to: Path, signatures: Signatures, record: ModelRecord, facts: card.CardFacts) -> Written:
    """Writes the next version of the model in `to`, and the serving files around its versions.

    Args:
        to: ``saved_models/NAME``.
        signatures: of the trained networks.
        record: without its ``signatures``, which are read off here.
        facts: of the run, for the card.

    Raises:
        MedSynthError: `to` cannot be written, or the Session loader computes other bits.
    """
    functions = signatures.functions()
    traced = {name: function.get_concrete_function() for name, function in functions.items()}
    described = {
        name: {
            "inputs": _described({spec.name: spec for spec in specs}),
            "outputs": _described(traced[name].structured_outputs),
        }
        for name, specs in signatures.inputs().items()
    }
    record = dataclasses.replace(record, signatures=described)
    requests = warm_up.example_requests(
        lambda name, **inputs: functions[name](**_tensors(inputs)), record.domain
    )
    with next_version(to) as version:
        folder = to / str(version)
        with runtime.atomic_path(folder) as partial:
            tf.saved_model.save(_holder(traced), str(partial), signatures=functions)
            _check_session_loader(partial, functions[DEFAULT], requests[DEFAULT])
            warmed = warm_up.write_warm_up(partial, requests, to.name)
            runtime.write_json(partial / RECORD_NAME, record.to_dict())
            text = card.model_card(record, facts, to.name, version)
            (partial / "MODEL_CARD.md").write_text(text, encoding="utf-8")
        for name, text in card.serving_files(record, to.name).items():
            with runtime.atomic_path(to / name) as partial:
                partial.write_text(text, encoding="utf-8")
    return Written(folder, list(functions), warmed)


def _holder(traced: Mapping[str, Any]) -> tf.Module:
    """Owns every variable that the signatures read.

    As plain variables: those of a tracked Keras model the Session loader leaves without values.
    """
    variables = {id(v): v for function in traced.values() for v in function.variables}
    holder = tf.Module()
    holder.held = list(variables.values())
    return holder


def _described(specs: Mapping[str, Any]) -> dict[str, Any]:
    """Dtype and shape by name; None is any number of rows."""
    return {name: {"dtype": s.dtype.name, "shape": s.shape.as_list()} for name, s in specs.items()}


def _tensors(inputs: Mapping[str, np.ndarray]) -> dict[str, tf.Tensor]:
    return {name: tf.constant(value) for name, value in inputs.items()}


def _check_session_loader(folder: Path, function: Any, inputs: Mapping[str, np.ndarray]) -> None:
    """Raises unless the loader of TensorFlow Serving computes the bits of the training code."""
    wanted = {name: value.numpy() for name, value in function(**_tensors(inputs)).items()}
    with _without_advice(), tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
        signature = meta.signature_def[DEFAULT]
        feed = {signature.inputs[name].name: value for name, value in inputs.items()}
        found = session.run({name: signature.outputs[name].name for name in wanted}, feed)
    different = sorted(name for name, value in wanted.items() if not np.array_equal(value, found[name]))
    check("a SavedModel computes the bits of the training code", not different, differing=different)


@contextlib.contextmanager
def _without_advice() -> Iterator[None]:
    """TensorFlow advises against its Session loader here, with which servers load."""
    logger = tf.get_logger()
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
