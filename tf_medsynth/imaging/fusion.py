"""The generator's input: structure map without its lesion, noise between the lines, lesion label."""

from __future__ import annotations

from keras import ops

from tf_medsynth.config.base import check
from tf_medsynth.config.imaging import FusionConfig
from tf_medsynth.types import Tensor


def remove_lesion(structure_map: Tensor, lesion_label: Tensor) -> Tensor:
    """Structure map without the lines under the lesion, `(B, H, W, 1)` float32.

    Args:
        structure_map: `(B, H, W, 1)`, 1 on a line.
        lesion_label: `(B, H, W, 1)`, any number type, 0 where there is no lesion.

    Source: Qu et al., section 2.5.
    """
    return ops.cast(structure_map, "float32") * ops.cast(lesion_label == 0, "float32")


def fuse_noise(structure_map: Tensor, background_mask: Tensor, noise: Tensor) -> Tensor:
    """Structure map with noise between its lines, inside the organ only, `(B, H, W, 1)` float32.

    Lines stay 1, the background stays 0, and the rest is the noise.

    Args:
        structure_map: `(B, H, W, 1)` in [0, 1], 1 on a line.
        background_mask: `(B, H, W, 1)` in [0, 1], 1 outside the organ.
        noise: `(B, H, W, 1)`, a new draw a call, uniform in ``[noise_low, noise_high)`` of
            `config.imaging.FusionConfig`.

    Source: Qu et al. (thesis), eq. 12.
    """
    lines, outside = ops.cast(structure_map, "float32"), ops.cast(background_mask, "float32")
    return lines + ops.cast(noise, "float32") * (1 - outside) * (1 - lines)


def fuse_label(fused_map: Tensor, one_hot_label: Tensor, config: FusionConfig) -> Tensor:
    """The generator's input, float32: `(B, H, W, C + K)` or, weighted, `(B, H, W, K)`.

    Args:
        fused_map: `(B, H, W, C)`, `fuse_noise`'s answer; the joint paper weighs the bare map (C = 1).
        one_hot_label: `(B, H, W, K)`, a channel a lesion class, background included.
        config: the mode and its weights.

    Raises:
        MedSynthError: weighted mode with more than one map channel.

    Source: Qu et al. (thesis), section 3.4 (concat); Qu et al., section 2.6 (weighted).
    Deviates: the papers leave the weighted sum's weights open, 0.2 label + 0.8 map are those of the
    authors' code; their BRATS generator never sees the label, here it does.
    """
    lines, one_hot = ops.cast(fused_map, "float32"), ops.cast(one_hot_label, "float32")
    if config.label_mode == "concat":
        return ops.concatenate([lines, one_hot], axis=-1)
    check("weighted label fusion takes a map of one channel", lines.shape[-1] == 1, shape=tuple(lines.shape))
    return config.label_weight * one_hot + config.map_weight * lines


def label_inside(background_mask: Tensor, lesion_label: Tensor) -> Tensor:
    """Whether no lesion pixel lies outside the organ, `(B,)` bool; true for an empty label.

    Args:
        background_mask: `(B, H, W, 1)`, 0 or 1, 1 outside the organ.
        lesion_label: `(B, H, W, 1)`, any number type, 0 where there is no lesion.
    """
    outside = (lesion_label != 0) & (background_mask > 0)
    return ops.logical_not(ops.any(outside, axis=(1, 2, 3)))
