"""A SavedModel with signatures like an exported model's, made in a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog

SIZE = 8
NAME = "toy"


def spec(*shape: int | None, dtype=tf.float32, name: str) -> tf.TensorSpec:
    return tf.TensorSpec(shape, dtype, name=name)


def rule(holds: tf.Tensor, words: str) -> tf.Operation:
    return tf.debugging.Assert(tf.reduce_all(holds), [words])


class Toy(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gain = tf.Variable(0.7, dtype=tf.float32)

    @tf.function(
        input_signature=[
            spec(None, 2, dtype=tf.int64, name="seed"),
            spec(None, SIZE, SIZE, 1, dtype=tf.int32, name="lesion_label"),
        ]
    )
    def synthesize(self, seed, lesion_label):
        in_range = rule((lesion_label >= 0) & (lesion_label <= 4), "lesion_label must be 0 to 4")
        with tf.control_dependencies([in_range]):
            noise = tf.map_fn(
                lambda pair: tf.random.stateless_normal((SIZE, SIZE, 4), pair),
                seed,
                fn_output_signature=tf.float32,
            )
            images = tf.nn.sigmoid(noise * self.gain + tf.cast(lesion_label, tf.float32))
            return {"images": images, "background_mask": images[..., :1] - 0.5}

    @tf.function(
        input_signature=[
            spec(None, SIZE, SIZE, 1, name="images"),
            spec(None, dtype=tf.int32, name="source"),
            spec(None, dtype=tf.int32, name="target"),
        ]
    )
    def translate(self, images, source, target):
        shift = tf.cast(target - source, tf.float32)[:, None, None, None]
        return {"images": images * self.gain + shift}

    @tf.function(input_signature=[spec(None, SIZE, SIZE, 4, name="images")])
    def segment_lesion(self, images):
        with tf.control_dependencies([rule(tf.math.is_finite(images), "images must be finite")]):
            return {"lesion_label": tf.argmax(images, axis=-1, output_type=tf.int32)[..., None]}

    @tf.function(input_signature=[spec(None, 2, dtype=tf.int64, name="seed")])
    def synthesize_random(self, seed):
        label = tf.cast(seed[:, 1:] % 5, tf.int32)[..., None, None] * tf.ones((SIZE, SIZE, 1), tf.int32)
        return {**self.synthesize(seed, label), "lesion_label": tf.cast(label, tf.float32)}

    @tf.function(input_signature=[spec(None, dtype=tf.float64, name="until")])
    def hold(self, until):
        """Answers once it is the first of `until`, in seconds of the epoch."""
        (now,) = tf.while_loop(lambda now: now < until[0], lambda _: [tf.timestamp()], [tf.timestamp()])
        return {"now": tf.fill(tf.shape(until), now)}

    @tf.function(input_signature=[spec(None, dtype=tf.string, name="text")])
    def describe(self, text):
        return {"text": tf.strings.upper(text), "text_bytes": tf.io.encode_base64(text)}

    @tf.function(input_signature=[spec(None, name="values")])
    def total(self, values):
        return {"sum": tf.reduce_sum(values) * self.gain}


def save(base: Path, version: int = 1) -> Path:
    """Writes ``BASE/VERSION`` with warm-up records, and returns ``BASE``."""
    toy = Toy()
    names = ("synthesize", "translate", "segment_lesion", "describe", "total")
    names += ("synthesize_random", "hold")
    signatures = {name: getattr(toy, name) for name in names}
    signatures["serving_default"] = toy.segment_lesion
    tf.saved_model.save(toy, str(base / str(version)), signatures=signatures)
    write_warm_up(base / str(version))
    return base


def write_warm_up(folder: Path) -> None:
    request = PredictRequest()
    request.model_spec.signature_name = "synthesize"
    for name, array in inputs()["synthesize"].items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
    path = folder / "assets.extra" / "tf_serving_warmup_requests"
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(PredictionLog(predict_log=PredictLog(request=request)).SerializeToString())


def inputs(rows: int = 2, seed: int = 0) -> dict[str, dict[str, np.ndarray]]:
    """A request of each signature."""
    rng = np.random.default_rng(seed)
    square = (rows, SIZE, SIZE)
    words = [f"sample {number} \u00e4".encode() for number in range(rows)]
    return {
        "synthesize": {
            "seed": np.stack([np.full(rows, seed), np.arange(rows)], 1).astype("int64"),
            "lesion_label": rng.integers(0, 5, (*square, 1)).astype("int32"),
        },
        "translate": {
            "images": rng.random((*square, 1), np.float32),
            "source": np.zeros(rows, "int32"),
            "target": np.arange(rows, dtype="int32"),
        },
        "segment_lesion": {"images": rng.random((*square, 4), np.float32)},
        "describe": {"text": np.array(words, object)},
        "synthesize_random": {"seed": np.stack([np.arange(rows), np.arange(rows)], 1).astype("int64")},
        "total": {"values": rng.random(rows + 3, np.float32)},
    }
