"""A SavedModel on disk: which version to serve, its signatures, and the loaded thing itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tf_medsynth.config.base import check
from tf_medsynth.runtime.graph_errors import words_of
from tf_medsynth.runtime.saved_models import FILE, load_saved_model, read_saved_model
from tf_medsynth.saved_model.finding import find_version
from tf_medsynth.serving.signatures import Arrays, Signature, TensorSpec
from tf_medsynth.types import MedSynthError

if TYPE_CHECKING:
    from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo

WARM_UP = Path("assets.extra") / "tf_serving_warmup_requests"
"""Where TensorFlow Serving looks for the requests that it repeats before it takes others."""
_PRIVATE = "__saved_model_init_op"


@dataclasses.dataclass(frozen=True)
class ModelFolder:
    """A version of a model on disk: ``BASE/VERSION/saved_model.pb``."""

    base: Path
    version: int

    @property
    def name(self) -> str:
        """Name in requests: that of the base folder."""
        return self.base.resolve().name

    @property
    def path(self) -> Path:
        """The SavedModel's folder."""
        return self.base / str(self.version)


def find_model(model: Path | str | None = None) -> ModelFolder:
    """The version that `model` is, or the newest in it.

    Args:
        model: of `find_version`: a folder, or the name of a model that comes along.

    Raises:
        MedSynthError: no version of a SavedModel is there.
    """
    path = find_version(model)
    rule = "the folder of a version is named by its number"
    check(rule, path.name.isdecimal(), "Name saved_models/NAME.", model=str(path))
    check("a version holds a SavedModel", (path / FILE).is_file(), "Export it again.", model=str(path))
    return ModelFolder(path.parent, int(path.name))


class ServedModel:
    """A loaded SavedModel that computes arrays from arrays.

    Raises:
        MedSynthError: the folder cannot be read as a SavedModel, or its graph does more than compute.
    """

    def __init__(self, folder: ModelFolder) -> None:
        self.name, self.version = folder.name, folder.version
        self.definitions = _definitions(folder.path)
        """The protocol's own description of each signature, for metadata."""
        self.signatures = {
            name: Signature(name, _specs(definition.inputs), _specs(definition.outputs))
            for name, definition in self.definitions.items()
        }
        self._model = load_saved_model(folder.path)

    def run(self, signature: str, inputs: Arrays) -> dict[str, np.ndarray]:
        """Outputs of `signature` by name.

        Raises:
            MedSynthError: the graph refuses the inputs; its own words.
        """
        import tensorflow as tf

        tensors = {name: tf.constant(array) for name, array in inputs.items()}
        try:
            outputs = self._model.signatures[signature](**tensors)
        except tf.errors.InvalidArgumentError as error:
            check(words_of(error), False, signature=signature)
        return {name: tensor.numpy() for name, tensor in outputs.items()}


def warm_up_requests(folder: ModelFolder) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Signature and inputs of the requests recorded beside the model for a warm-up, where there is a file.

    Raises:
        MedSynthError: the file cannot be read.
    """
    import tensorflow as tf
    from google.protobuf.message import DecodeError
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    from tf_medsynth.serving import proto_tensors

    path = folder.path / WARM_UP
    if not path.exists():
        return
    try:
        for record in tf.data.TFRecordDataset(str(path)):
            request = PredictionLog.FromString(record.numpy()).predict_log.request
            arrays = {name: proto_tensors.array(name, tensor) for name, tensor in request.inputs.items()}
            yield request.model_spec.signature_name or "serving_default", arrays
    except (DecodeError, tf.errors.OpError, ValueError, TypeError) as error:
        raise _unreadable(path, error) from error


def _definitions(path: Path) -> dict[str, SignatureDef]:
    """Signatures as the file describes them."""
    saved = read_saved_model(path)
    graphs = [graph for graph in saved.meta_graphs if "serve" in graph.meta_info_def.tags]
    check("a SavedModel must have one graph with the tag serve", len(graphs) == 1, path=str(path))
    found = {name: d for name, d in sorted(graphs[0].signature_def.items()) if name != _PRIVATE}
    check("a served SavedModel must have signatures", bool(found), path=str(path))
    return found


def _specs(infos: Mapping[str, TensorInfo]) -> dict[str, TensorSpec]:
    return {name: _spec(info) for name, info in sorted(infos.items())}


def _spec(info: TensorInfo) -> TensorSpec:
    import tensorflow as tf

    shape = info.tensor_shape
    sizes = None if shape.unknown_rank else tuple(None if d.size < 0 else d.size for d in shape.dim)
    return TensorSpec(np.dtype(tf.dtypes.as_dtype(info.dtype).as_numpy_dtype), sizes)


def _unreadable(path: Path, error: Exception) -> MedSynthError:
    return MedSynthError(
        f"not a readable SavedModel. Received: path={str(path)!r}, error={words_of(error)!r}."
    )
