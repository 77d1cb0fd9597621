"""One request a signature: what a server replays before it says that it is ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tf_medsynth.config.domain import Domain

Requests = dict[str, dict[str, np.ndarray]]

WARM_UP_NAME = "assets.extra/tf_serving_warmup_requests"


def example_requests(call: Callable[..., Mapping[str, Any]], domain: Domain) -> Requests:
    """Inputs of one row for each signature.

    Args:
        call: (signature, inputs by name) to its outputs.
        domain: what is drawn.
    """
    # A last byte other than NUL, which arrays of bytes lose: tools pass the example on as one.
    seed = np.array([[0, 1]], np.int64)
    number = np.zeros(1, np.int64)
    label = np.asarray(call("pool_labels", number=number)["lesion_label"]).astype(np.int32)
    drawn = {name: np.asarray(value) for name, value in call("synthesize_random", seed=seed).items()}
    file = tf.io.encode_png(label[0].astype(np.uint8)).numpy()
    maps = {name: drawn[name] for name in ("structure_map", "background_mask")}
    requests: Requests = {
        "synthesize_random": {"seed": seed},
        "synthesize_random_png": {"seed": seed},
        "synthesize": {"seed": seed, "lesion_label": label},
        "synthesize_png": {"seed": seed, "lesion_label_bytes": np.array([file], object)},
        "synthesize_example": {"examples": np.array([_example(seed[0], file)], object)},
        "draw_structure": {"seed": seed},
        "render": {"seed": seed, "lesion_label": label, **maps},
        "translate": {
            "images": drawn["images"][..., : domain.channels],
            "source": np.zeros(1, np.int32),
            "target": np.ones(1, np.int32),
        },
        "segment_lesion": {"images": drawn["images"]},
        "pool_labels": {"number": number},
    }
    if domain.num_modalities == 1:
        del requests["translate"]
    return requests


def write_warm_up(folder: Path, requests: Requests, model: str) -> bool:
    """Writes the records for TensorFlow Serving; False where its messages are not installed."""
    try:
        from tensorflow_serving.apis import predict_pb2, prediction_log_pb2
    except ImportError:
        return False
    file = folder / WARM_UP_NAME
    file.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(file)) as writer:
        for signature, inputs in requests.items():
            request = predict_pb2.PredictRequest()
            request.model_spec.name, request.model_spec.signature_name = model, signature
            for name, value in inputs.items():
                request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
            log = prediction_log_pb2.PredictLog(request=request)
            writer.write(prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString())
    return True


def _example(seed: np.ndarray, file: bytes) -> bytes:
    features = {
        "seed": tf.train.Feature(int64_list=tf.train.Int64List(value=seed.tolist())),
        "lesion_label": tf.train.Feature(bytes_list=tf.train.BytesList(value=[file])),
    }
    example = tf.train.Example(features=tf.train.Features(feature=features))
    answer: bytes = example.SerializeToString(deterministic=True)  # the seed last, by its name
    return answer
