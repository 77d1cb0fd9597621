"""A SavedModel is judged before it is opened: what does more than compute is refused before it ran."""

from __future__ import annotations

import shutil
from pathlib import Path

import keras
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from tf_medsynth.runtime.graph_operations import ALLOWED, OF_THE_SAVER
from tf_medsynth.runtime.saved_models import FILE, load_saved_model, read_saved_model
from tf_medsynth.types import MedSynthError


class Writes(tf.saved_model.experimental.TrackableResource):
    """A resource that writes a file when it is made ready, which happens when its model is opened."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = str(file)

    def _create_resource(self):
        return tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=(), shared_name="writes")

    def _initialize(self):
        tf.io.write_file(self._file, "I ran")


class Plain(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gain = tf.Variable(2.0)

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.float32, "values")])
    def scaled(self, values):
        return {"scaled": self.gain * values}


def save(module: tf.Module, folder: Path) -> Path:
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.scaled})
    return folder


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Path:
    return save(Plain(), tmp_path_factory.mktemp("models") / "plain")


def changed(model: Path, folder: Path, change) -> Path:
    """A model whose description `change` has been at."""
    saved = SavedModel.FromString((model / FILE).read_bytes())
    change(saved)
    folder.mkdir()
    (folder / FILE).write_bytes(saved.SerializeToString())
    (folder / "variables").symlink_to(model / "variables")
    return folder


def refused(model: Path, words: str) -> None:
    with pytest.raises(MedSynthError, match=words) as error:
        load_saved_model(model)
    assert "\n" not in str(error.value)


def test_what_runs_when_a_model_is_opened_is_refused_first(tmp_path):
    module = Plain()
    module.resource = Writes(tmp_path / "written")
    with tf.init_scope():
        assert module.resource.resource_handle is not None
    model = save(module, tmp_path / "model")
    (tmp_path / "written").unlink(missing_ok=True)
    refused(model, r"may compute, and do nothing else. Received: model=.*, operation='WriteFile'")
    assert not (tmp_path / "written").exists()
    tf.saved_model.load(str(model))
    assert (tmp_path / "written").exists(), "TensorFlow itself would have run it"


@pytest.mark.parametrize(
    "op", ["ReadFile", "MatchingFiles", "EagerPyFunc", "PyFunc", "PrintV2", "Abort", "New"]
)
def test_an_operation_that_is_not_listed_is_refused_wherever_it_stands(plain, tmp_path, op):
    def in_a_function(saved):
        saved.meta_graphs[0].graph_def.library.function[0].node_def.add(name="extra", op=op)

    def in_the_main_graph(saved):
        saved.meta_graphs[0].graph_def.node.add(name="extra", op=op)

    refused(changed(plain, tmp_path / "a", in_a_function), f"operation={op!r}, function='__inference")
    refused(changed(plain, tmp_path / "b", in_the_main_graph), f"operation={op!r}, function='the main graph'")


def test_weights_are_written_and_read_by_the_functions_for_that_alone(plain, tmp_path):
    def names(saved, op):
        library = saved.meta_graphs[0].graph_def.library.function
        return [f.signature.name for f in library if op in {n.op for n in f.node_def}]

    def called_by_another(saved):
        (saver,) = names(saved, "RestoreV2")
        others = [f for f in saved.meta_graphs[0].graph_def.library.function if "scaled" in f.signature.name]
        others[0].node_def.add(name="extra", op="PartitionedCall").attr["f"].func.name = saver

    def called_by_the_main_graph(saved):
        (saver,) = names(saved, "SaveV2")
        extra = saved.meta_graphs[0].graph_def.node.add(name="extra", op="StatefulPartitionedCall")
        extra.attr["f"].func.name = saver

    def an_object(saved):
        (saver,) = names(saved, "SaveV2")
        saved.meta_graphs[0].object_graph_def.concrete_functions[saver].SetInParent()

    def in_a_signature(saved):
        others = [f for f in saved.meta_graphs[0].graph_def.library.function if "scaled" in f.signature.name]
        others[0].node_def.add(name="extra", op="SaveV2")

    for number, change in enumerate((called_by_another, called_by_the_main_graph, an_object, in_a_signature)):
        refused(changed(plain, tmp_path / str(number), change), "operation='(SaveV2|RestoreV2|Merge|Sharded)")


def test_a_constant_that_claims_more_than_it_holds_is_refused(plain, tmp_path):
    def lies(saved):
        node = saved.meta_graphs[0].graph_def.node.add(name="huge", op="Const")
        tensor = node.attr["value"].tensor
        tensor.dtype = tf.float32.as_datatype_enum
        tensor.float_val.append(1.0)
        for size in (2**20, 2**20):
            tensor.tensor_shape.dim.add(size=size)

    refused(changed(plain, tmp_path / "a", lies), "elements of one value. Received: .*constant='huge'")


@pytest.mark.parametrize("change", ["no objects", "two graphs", "no graph"])
def test_another_form_is_refused(plain, tmp_path, change):
    def other(saved):
        if change == "no objects":
            saved.meta_graphs[0].ClearField("object_graph_def")
        elif change == "two graphs":
            saved.meta_graphs.add()
        else:
            saved.ClearField("meta_graphs")

    refused(changed(plain, tmp_path / "a", other), "must be one graph with its objects")


def test_a_text_is_not_read_in_place_of_the_file(plain, tmp_path):
    (tmp_path / "saved_model.pbtxt").write_text("saved_model_schema_version: 1")
    refused(tmp_path, "must be whole")


@pytest.mark.parametrize("name", ["variables.index", "variables.data-00000-of-00001"])
@pytest.mark.parametrize("left", [0.0, 0.5, None])
def test_torn_weights_are_told(plain, tmp_path, name, left):
    shutil.copytree(plain, tmp_path / "m")
    file = tmp_path / "m" / "variables" / name
    whole = file.read_bytes()
    file.unlink() if left is None else file.write_bytes(whole[: int(left * len(whole))])
    refused(tmp_path / "m", "a SavedModel must be whole")


def test_a_model_that_computes_is_opened(plain):
    scaled = load_saved_model(plain).signatures["serving_default"]
    assert scaled(values=tf.constant([1.0, 3.0]))["scaled"].numpy().tolist() == [2.0, 6.0]


def test_layers_of_keras_are_allowed(tmp_path):
    inputs = keras.Input((16, 16, 3))
    seen = keras.layers.Rescaling(2.0, -1.0)(keras.layers.Resizing(24, 24)(inputs))
    seen = keras.layers.Conv2D(4, 3, strides=2, use_bias=False)(keras.layers.ZeroPadding2D(1)(seen))
    seen = keras.layers.ReLU(6.0)(keras.layers.BatchNormalization()(seen))
    ways = [
        keras.layers.DepthwiseConv2D(3, padding="same", activation="swish")(seen),
        keras.layers.SeparableConv2D(4, 3, padding="same", activation="gelu")(seen),
        keras.layers.MaxPooling2D(3, 1, padding="same")(seen),
        keras.layers.AveragePooling2D(3, 1, padding="same")(seen),
        keras.layers.LayerNormalization()(seen),
    ]
    seen = keras.layers.Concatenate()([*ways, keras.layers.Add()(ways)])
    seen = keras.layers.Dense(5, "softmax")(keras.layers.Dropout(0.5)(seen))
    keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(seen)).export(tmp_path / "m", verbose=False)
    graph = read_saved_model(tmp_path / "m").meta_graphs[0]
    held = {node.op for function in graph.graph_def.library.function for node in function.node_def}
    assert held <= ALLOWED | OF_THE_SAVER and {"Conv2D", "DepthwiseConv2dNative"} <= held


def test_every_allowed_operation_is_one_of_tensorflow():
    unknown = [name for name in ALLOWED | OF_THE_SAVER if not hasattr(tf.raw_ops, name)]
    assert unknown == []
    assert not ALLOWED & {"WriteFile", "ReadFile", "PyFunc", "RemoteCall", *OF_THE_SAVER}
