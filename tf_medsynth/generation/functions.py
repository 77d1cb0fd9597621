"""The trained networks as functions of tensors: what training code computes and a SavedModel holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from keras import ops

from tf_medsynth.data.draws import GENERATION, Draw, draw
from tf_medsynth.generation.rows import Rowwise
from tf_medsynth.stages.baselines.image_gan import ImageGANStage
from tf_medsynth.stages.guides import LesionStage
from tf_medsynth.stages.multimodal import MultimodalStage
from tf_medsynth.stages.structure import StructureStage
from tf_medsynth.stages.translation import translate_to
from tf_medsynth.types import Tensor

_INTEGER = tf.TensorSpec((), tf.int64)
CODE = "z"
"""Draw of a structure map."""


class Functions(NamedTuple):
    """What trained networks do, for any number of rows; seed and index are int64 ``(B,)``."""

    draw_structure: Callable[..., Any]
    """(seed, index) to ``structure_map`` and ``background_mask`` ``(B, H, W, 1)`` float32 in {0, 1}."""
    render: Callable[..., Any]
    """(map, mask, label, seed, index) to images ``(B, H, W, M * C)`` float32 in [0, 1]."""
    segment: Callable[..., Any]
    """Images ``(B, H, W, M * C)`` to the lesion label found in each modality ``(B, H, W, M)`` int32; one and
    the same where a lone guide sees all modalities together."""
    translate: Callable[..., Any] | None
    """(images ``(B, H, W, C)``, target ``(B,)`` int32) to images of that modality; None if there is one."""


def functions_of(
    structure: StructureStage,
    guides: LesionStage,
    multimodal: MultimodalStage,
    purpose: str = GENERATION,
) -> Functions:
    """The functions of trained stages; the translator is the one that stage M was trained with.

    Args:
        purpose: what their samples are for; it names maps and noise, see `data.draws`.
    """
    size, noise = multimodal.image_size, multimodal.noise_draws()
    domain = multimodal.domain
    encoder, decoder = (multimodal.networks.get(f"translation_{part}") for part in ("encoder", "decoder"))

    def rendered(lines: Tensor, mask: Tensor, label: Tensor, seed: Tensor, index: Tensor) -> Tensor:
        return multimodal.render(lines, mask, label, draw(noise, seed, index, purpose=purpose))

    def translated(images: Tensor, target: Tensor) -> Tensor:
        return translate_to(encoder, decoder, images, target, domain.num_modalities)

    def segmented(images: Tensor) -> Tensor:
        return ops.broadcast_to(guides.segment(images), (*ops.shape(images)[:-1], domain.num_modalities))

    one, label = (tf.TensorSpec((*size, 1), dtype) for dtype in (tf.float32, tf.int32))
    modality = tf.TensorSpec((*size, domain.channels), tf.float32)
    return Functions(
        map_function(structure, purpose),
        Rowwise(rendered, one, one, label, _INTEGER, _INTEGER),
        Rowwise(segmented, tf.TensorSpec((*size, domain.image_channels), tf.float32)),
        None if encoder is None else Rowwise(translated, modality, tf.TensorSpec((), tf.int32)),
    )


def map_function(stage: StructureStage, purpose: str = GENERATION) -> Rowwise:
    """`Functions.draw_structure` of stage S alone."""

    def drawn(seed: Tensor, index: Tensor) -> dict[str, Tensor]:
        made = _drawn_structure(stage, seed, index, purpose)
        return {name: made[name] for name in ("structure_map", "background_mask")}

    return Rowwise(drawn, _INTEGER, _INTEGER)


def baseline_function(stage: ImageGANStage, structure: StructureStage | None, purpose: str) -> Rowwise:
    """(seed, index) to images ``(B, H, W, M * C)`` float32 in [0, 1] of a baseline.

    Args:
        structure: draws what is sketched, the maps that `map_function` draws; None for noise.
        purpose: what the images are for.
    """

    def drawn(seed: Tensor, index: Tensor) -> Tensor:
        lines = _drawn_structure(structure, seed, index, purpose)["structure_map"] if structure else None
        return stage.render(lines, draw(stage.draws(), seed, index, purpose=f"{purpose} of baselines"))

    return Rowwise(drawn, _INTEGER, _INTEGER)


def _drawn_structure(stage: StructureStage, seed: Tensor, index: Tensor, purpose: str) -> dict[str, Tensor]:
    return stage.draw_maps(draw({CODE: Draw((stage.code_size,))}, seed, index, purpose=purpose)[CODE])


def drawn_maps(
    draw_structure: Callable[..., Any], seed: int, index: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Structure maps and background masks ``(n, H, W, 1)`` float32 of one seed, as arrays."""
    made = draw_structure(*names_of(seed, index))
    return made["structure_map"].numpy(), made["background_mask"].numpy()


def names_of(seed: int, index: np.ndarray) -> tuple[Tensor, Tensor]:
    """Run seed and sample number of each row, int64 ``(n,)``."""
    numbers = tf.constant(index, tf.int64)
    return tf.fill(numbers.shape, tf.constant(seed, tf.int64)), numbers
