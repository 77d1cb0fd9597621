"""An exported model opened again: signatures called by name. Its graph may compute, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from tf_medsynth.config.base import check
from tf_medsynth.runtime.graph_errors import words_of
from tf_medsynth.runtime.saved_models import load_saved_model
from tf_medsynth.saved_model.finding import find_version
from tf_medsynth.saved_model.record import ModelRecord, read_record
from tf_medsynth.types import MedSynthError, Tensor


class SavedModel:
    """An opened version: its record, and its signatures."""

    def __init__(self, folder: Path, record: ModelRecord, loaded: Any) -> None:
        self.folder, self.record = folder, record
        self._loaded = loaded  # keeps the variables alive

    def call(self, signature: str, **inputs: Tensor) -> dict[str, Tensor]:
        """Outputs of `signature` for a batch; integers and NumPy arrays take the signature's dtype.

        Raises:
            MedSynthError: what the graph says is wrong with the inputs.
        """
        function = self._loaded.signatures[signature]
        specs = function.structured_input_signature[1]
        tensors = {name: tf.convert_to_tensor(value, specs[name].dtype) for name, value in inputs.items()}
        try:
            return dict(function(**tensors))
        except tf.errors.InvalidArgumentError as error:
            raise MedSynthError(f"the model refuses the request: {words_of(error)}.") from None


def open_model(model: Path | str | None, needed: Sequence[str]) -> SavedModel:
    """The version `model` is, or the newest in it.

    Args:
        model: of `find_version`.
        needed: signatures that will be called.

    Raises:
        MedSynthError: no model, one of another format, a damaged one, one whose graph does more than compute,
            or a signature is missing.
    """
    folder = find_version(model)
    record = read_record(folder)
    loaded = load_saved_model(folder)
    for name in needed:
        check(
            "the model lacks a signature",
            name in loaded.signatures,
            "Export it again.",
            signature=name,
            has=sorted(loaded.signatures),
        )
    return SavedModel(folder, record, loaded)
