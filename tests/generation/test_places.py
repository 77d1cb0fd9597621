"""Every function of trained networks: the same bits for a row at any place of a call of any size."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.presets import preset
from tf_medsynth.generation.functions import Functions, functions_of
from tf_medsynth.runs.build import build_stage
from tf_medsynth.stages.guides import build_segmentors
from tf_medsynth.stages.translation import build_translator

SIZES = [
    (64, 64),
    *(pytest.param(size, marks=pytest.mark.slow) for size in ((96, 96), (128, 128), (192, 144))),
]
WIDTH = 5
"""Channels that fill no vector register, at any level: the hardest for equal bits."""

Rows = dict[str, tuple[np.ndarray, ...]]


def narrow_functions(size: tuple[int, int]) -> Functions:
    """The functions of untrained networks, no weight of which is at its start."""
    keras.utils.set_random_seed(1)
    settings = preset("phantom96").override(
        {
            "structure.vae.base_filters": WIDTH,
            "structure.mask_generator.base_filters": WIDTH,
            "lesion.segmentor.base_filters": WIDTH,
            "translation.generator.base_filters": WIDTH,
            "multimodal.generator.base_filters": WIDTH,
        }
    )
    guide = dataclasses.replace(settings.lesion.segmentor, image_size=size)
    frozen = build_segmentors(guide, "multiple", BRAIN_MRI)
    frozen |= build_translator(settings.translation.generator, BRAIN_MRI, size)
    operators = BRAIN_MRI.operators_at(64, 64)
    stages: list[Any] = [
        build_stage(name, settings, operators, BRAIN_MRI, size, 1, frozen if name == "multimodal" else {})
        for name in ("structure", "lesion", "multimodal")
    ]
    rng = np.random.default_rng(2)
    for stage in stages:
        for network in [*stage.networks.values(), *stage.ema_networks.values()]:
            for weight in network.weights:
                weight.assign(weight + 0.05 * rng.normal(size=weight.shape))
    return functions_of(*stages)


def distinct_rows(size: tuple[int, int], count: int) -> Rows:
    """Arguments of each function, no two rows alike."""
    rng = np.random.default_rng(3)
    images = rng.random((count, *size, 4)).astype("float32")
    maps = (images[..., :2] > 0.7).astype("float32")
    label = (images[..., 2:3] > 0.9).astype("int32")
    name = np.full(count, 7, "int64"), np.arange(count, dtype="int64")
    return {
        "draw_structure": name,
        "render": (maps[..., :1], maps[..., 1:], label, *name),
        "segment": (images,),
        "translate": (images[..., :1], np.arange(count, dtype="int32") % 4),
    }


def bits(made: Any) -> list[tuple[bytes, ...]]:
    """The bytes of each row of a function's answer."""
    parts = [part.numpy() for part in tf.nest.flatten(made)]
    return [tuple(part[row].tobytes() for part in parts) for row in range(len(parts[0]))]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_row_has_the_same_bits_at_every_place_of_every_call(size):
    functions, count = narrow_functions(size), 9
    for name, arguments in distinct_rows(size, count).items():
        function = getattr(functions, name)
        alone = [bits(function(*(part[row : row + 1] for part in arguments)))[0] for row in range(count)]
        assert len(set(alone)) == count, name
        for start in range(count):  # sizes 9 to 1; rows move through the places of a call
            assert bits(function(*(part[start:] for part in arguments))) == alone[start:], (name, start)
