"""What a training needs at the least, known before anything is allocated or written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import keras
import tensorflow as tf

from tf_medsynth.config.domain import Domain
from tf_medsynth.config.presets import Preset
from tf_medsynth.runs.build import build_networks
from tf_medsynth.runtime.memory import check_memory
from tf_medsynth.stages.sizes import Size

_BYTES = 4.0
_COPIES = 4
"""A weight, its gradient and Adam's two moments."""


def check_training_memory(stage: str, settings: Preset, domain: Domain, size: Size) -> None:
    """Raises where a stage's networks, and what they hold of one batch, are more than memory has left.

    The networks are drawn in a graph, where variables and layers have shapes but take no memory. Counted
    is what is surely there: each weight with gradient and moments, and every layer's output of one batch
    of the network that has most of them (replicas share a batch; bfloat16 halves the outputs at best).
    """
    own = getattr(settings, stage)
    with tf.Graph().as_default():
        networks = build_networks(stage, own, domain, size)
        weights = sum(map(_weights, networks.values()))
        outputs = max(map(_outputs, networks.values()))
    batch = own.training.batch_size
    check_memory(
        "a stage's networks, their optimisers and one batch",
        _BYTES * (_COPIES * weights + batch * outputs / 2),
        "Lower the widths (base_filters, latent_dim, hidden), the batch or the images' size.",
        stage=stage,
        weights=weights,
        batch_size=batch,
        image_size=size,
    )


def _weights(network: keras.Model) -> int:
    return sum(math.prod(weight.shape) for weight in network.weights)


def _outputs(network: keras.Model) -> int:
    """Values that all layers put out for one row of a batch."""
    return sum(
        math.prod(side or 1 for side in output.shape[1:])
        for layer in network.layers
        for output in _flat(layer.output)
    )


def _flat(outputs: Any) -> Iterable[Any]:
    if isinstance(outputs, Mapping):
        outputs = list(outputs.values())
    return outputs if isinstance(outputs, list | tuple) else [outputs]
