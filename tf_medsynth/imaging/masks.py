"""Background masks: 1 OUTSIDE the organ, 0 inside. The organ is ``1 - background_mask``."""

from __future__ import annotations

from keras import ops

from tf_medsynth.config.base import check
from tf_medsynth.config.imaging import MaskConfig, OperatorConfig
from tf_medsynth.imaging.edges import structure_map
from tf_medsynth.imaging.filters import majority_filter
from tf_medsynth.imaging.geometry import magnify_nearest
from tf_medsynth.imaging.intensity import min_max
from tf_medsynth.types import Tensor

SWEEP = 8
"""Steps of `fill_holes` between two looks at whether anything still changes."""


def background_mask(
    images: Tensor,
    threshold: float = 0.0,
    expand: int = 0,
    median: int | None = None,
    *,
    normalise: bool = False,
    fill: bool = False,
    union: bool = False,
) -> Tensor:
    """Mask that is 1 outside the organ and 0 inside, `(B, H, W, C)` float32, C = 1 if `union`.

    The organ is what exceeds `threshold`. It is then magnified about the image's centre by
    ``(H + expand) / H``, so that lines on its rim lie inside; an odd `expand` moves it by half a px.

    Args:
        images: `(B, H, W, C)`, images, or a lesion label (threshold 0, expand 0: the lesion-free mask).
        threshold: in the images' unit; in [0, 1] if `normalise`.
        expand: px, at least 0.
        median: odd window in px of a median filter over the mask; none leaves it out.
        normalise: scale every image to [0, 1] first.
        fill: holes in the organ, not connected to the image's border, become organ.
        union: a pixel is organ where any channel says so.

    Source: Qu et al., algorithm 2.
    Deviates: pixels are resampled symmetrically about the centre, the released code's resize is not.
    """
    check("a mask is expanded by 0 or more px", expand >= 0, expand=expand)
    if normalise:
        images = min_max(images)
    organ = ops.cast(images > threshold, "float32")
    if union:
        organ = ops.max(organ, axis=-1, keepdims=True)
    mask = 1 - magnify_nearest(organ, expand)
    if median is not None:
        mask = majority_filter(mask, median)
    return fill_holes(mask) if fill else mask


def mask_from(images: Tensor, config: MaskConfig) -> Tensor:
    """`background_mask` with the settings of `config`."""
    return background_mask(
        images,
        config.threshold,
        config.expand,
        config.median,
        normalise=config.normalise,
        fill=config.fill,
        union=config.union,
    )


def map_and_mask(line_image: Tensor, images: Tensor, config: OperatorConfig) -> tuple[Tensor, Tensor]:
    """Structure map and background mask of a sample, each `(B, H, W, 1)` float32.

    Args:
        line_image: `(B, H, W, 1)`, the modality whose lines are drawn (`modalities.select_modality`).
        images: `(B, H, W, C)`, all modalities, of which the mask is the union if the operator says so;
            otherwise it is of `line_image`, as the lines are.
        config: both operators.
    """
    mask = mask_from(images if config.mask.union else line_image, config.mask)
    return structure_map(line_image, config.structure, background_mask=mask), mask


def fill_holes(background_mask: Tensor) -> Tensor:
    """Mask in which background enclosed by organ is organ, same shape, float32.

    Background stays where a path of up, down, left and right steps over background joins it to the
    image's border; like `scipy.ndimage.binary_fill_holes` on the organ. No gradient.

    Args:
        background_mask: `(B, H, W, C)`, 0 or 1, 1 outside the organ.
    """
    background = ops.cast(ops.stop_gradient(background_mask), "float32")
    inner = background[:, 1:-1, 1:-1]
    # One ring of outside around the image touches every border pixel.
    surround = ops.pad(ops.zeros_like(inner), [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=1.0)
    reached = background * surround

    def step(reached: Tensor) -> Tensor:
        vertical = ops.pad(reached, [[0, 0], [1, 1], [0, 0], [0, 0]])
        horizontal = ops.pad(reached, [[0, 0], [0, 0], [1, 1], [0, 0]])
        grown = ops.maximum(
            ops.maximum(vertical[:, 2:], vertical[:, :-2]),
            ops.maximum(horizontal[:, :, 2:], horizontal[:, :, :-2]),
        )
        return ops.maximum(reached, grown * background)

    def sweep(reached: Tensor, _: Tensor) -> tuple[Tensor, Tensor]:
        grown = reached
        for _step in range(SWEEP):
            grown = step(grown)
        return grown, ops.any(grown > reached)

    reached, _ = ops.while_loop(lambda _, changed: changed, sweep, (reached, ops.any(reached > 0)))
    return reached
