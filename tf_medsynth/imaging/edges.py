"""Structure maps: thin binary line drawings of an image, from its Sobel gradients."""

from __future__ import annotations

from keras import ops

from tf_medsynth.config.base import check
from tf_medsynth.config.imaging import StructureMapConfig
from tf_medsynth.imaging import filters
from tf_medsynth.imaging.intensity import min_max
from tf_medsynth.types import Tensor


def structure_map(
    images: Tensor,
    config: StructureMapConfig,
    soft_temperature: float | None = None,
    background_mask: Tensor | None = None,
    straight_through: bool = False,
) -> Tensor:
    """Line drawing of every channel, `(B, H, W, C)` float32: 1 on a line, 0 elsewhere.

    The smaller and the larger of the two Sobel responses are thresholded about their means; a pixel
    far below the one or far above the other is a line. Blurs, median and removal of what lies outside
    the organ follow `config`.

    Thresholds have no gradient. With `soft_temperature` every one becomes a sigmoid of that width,
    OR becomes the probability that either holds, and values lie in (0, 1); the sharper, the nearer
    to the binary map. Rounded they are not it: two thresholds missed by little add up to a line. With
    `straight_through` values are binary and gradients those of the soft map.

    Args:
        images: `(B, H, W, C)`, real, H and W at least 2; each channel is treated apart.
        config: thresholds, blurs, median, organ step; `modalities.select_modality` has `config.modality`.
        soft_temperature: width of the soft threshold, in the unit of `config.threshold`.
        background_mask: `(B, H, W, 1)` or `(B, H, W, C)`, 1 outside the organ; `config.organ_only`
            needs it, and it is not looked at otherwise.
        straight_through: needs `soft_temperature`.

    Raises:
        MedSynthError: a missing mask or temperature, a temperature that is not positive.

    Source: Qu et al., algorithm 1; Qu et al. (thesis), algorithm 1.
    Deviates: gradient maps are scaled to [0, 1] an image, as the released code does and the papers
    do not say. The thesis' line 12 thresholds the sum of line 8 again; here it is the blurred map.
    Median before organ mask, as in the released code; the thesis states both orders. The median
    mirrors the image at its edges where the released code (SciPy) assumes zeros.
    """
    check(
        "organ_only needs the background mask",
        background_mask is not None or not config.organ_only,
        "Pass background_mask, or take both from imaging.masks.map_and_mask.",
        organ_only=config.organ_only,
    )
    check(
        "soft_temperature must be positive, and straight_through needs one",
        not straight_through if soft_temperature is None else soft_temperature > 0,
        soft_temperature=soft_temperature,
        straight_through=straight_through,
    )
    rises, falls = _deviations(images, config)
    lines = _clean(_lines(rises, falls, config, soft_temperature), config, soft_temperature)
    if straight_through:
        hard = _clean(_lines(rises, falls, config, None), config, None)
        lines = hard + (lines - ops.stop_gradient(lines))
    if config.organ_only:
        lines = lines * (1 - ops.cast(background_mask, "float32"))
    return lines


def _deviations(images: Tensor, config: StructureMapConfig) -> tuple[Tensor, Tensor]:
    """How far the larger response lies above its mean, the smaller one below its mean."""
    dy, dx = filters.sobel(images)
    responses = [ops.minimum(dy, dx), ops.maximum(dy, dx)]
    if config.normalise:
        responses = [min_max(r) for r in responses]
    if config.sigma_before is not None:
        responses = [
            filters.gaussian_blur(r, config.sigma_before, legacy=config.legacy_blur) for r in responses
        ]
    low, high = responses
    return high - _mean(high), _mean(low) - low


def _lines(rises: Tensor, falls: Tensor, config: StructureMapConfig, temperature: float | None) -> Tensor:
    first = _exceeds(rises, config.threshold, temperature)
    second = _exceeds(falls, config.threshold, temperature)
    return ops.maximum(first, second) if temperature is None else 1 - (1 - first) * (1 - second)


def _clean(lines: Tensor, config: StructureMapConfig, temperature: float | None) -> Tensor:
    if config.sigma_after is not None:
        blurred = filters.gaussian_blur(lines, config.sigma_after, legacy=config.legacy_blur)
        lines = _exceeds(blurred, config.rebinarise, temperature)
    if config.median is not None:
        lines = _exceeds(filters.majority_share(lines, config.median), 0.5, temperature)
    return lines


def _exceeds(values: Tensor, threshold: float, temperature: float | None) -> Tensor:
    if temperature is None:
        return ops.cast(values > threshold, "float32")
    return ops.sigmoid((values - threshold) / temperature)


def _mean(values: Tensor) -> Tensor:
    return ops.mean(values, axis=(1, 2), keepdims=True)
