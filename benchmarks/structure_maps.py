"""Speed of structure map + background mask: our batched operators, the papers' per-slice form, OpenCV.

    python benchmarks/structure_maps.py [--slices 64] [--batch 16] [--runs 7]

Settings are those of the thesis for BRATS (184 x 144, 5 x 5 medians on map and mask). The papers' form
takes one slice at a time through TensorFlow's Sobel and SciPy's median filter. The three are run in turn,
medians over the runs are compared, and the answers are compared before anything is timed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy import ndimage, signal

from tf_medsynth.config.imaging import operator_preset
from tf_medsynth.imaging.masks import map_and_mask

SETTINGS = operator_preset("thesis/brats")
HEIGHT, WIDTH = 184, 144
Images = NDArray[np.float32]
Answer = tuple[Images, Images]


def slices(count: int) -> Images:
    """Smooth random texture inside an ellipse, `(count, 184, 144, 1)` in [0, 1]."""
    rng = np.random.default_rng(0)
    texture = ndimage.gaussian_filter(rng.random((count, HEIGHT, WIDTH)), (0, 3, 3))
    texture = (texture - texture.min()) / (texture.max() - texture.min())
    rows, columns = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    organ = rows**2 + columns**2 < 0.8
    return ((0.4 + 0.6 * texture) * organ)[..., None].astype(np.float32)


@tf.function(reduce_retracing=True)
def _batched_step(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return map_and_mask(images, images, SETTINGS)


def batched(images: Images, batch: int) -> Answer:
    """Our operators on batches."""
    parts = [_batched_step(tf.constant(images[k : k + batch])) for k in range(0, len(images), batch)]
    maps, masks = zip(*parts, strict=True)
    return np.concatenate(maps), np.concatenate(masks)


@tf.function(reduce_retracing=True)
def _sobel(image: tf.Tensor) -> tf.Tensor:
    return tf.image.sobel_edges(image)


def _unit(image: Images) -> Images:
    return (image - image.min()) / (image.max() - image.min())


def _threshold(dy: Images, dx: Images) -> Images:
    low, high = _unit(np.minimum(dy, dx)), _unit(np.maximum(dy, dx))
    limit = SETTINGS.structure.threshold
    return ((low.mean() - low > limit) | (high - high.mean() > limit)).astype(np.float32)


def _grown_organ(image: Images) -> Images:
    margin = SETTINGS.mask.expand
    organ = (_unit(image) > SETTINGS.mask.threshold).astype(np.float32)
    size = WIDTH + margin, HEIGHT + margin
    grown = cv2.resize(organ, size, interpolation=cv2.INTER_NEAREST_EXACT)
    half = margin // 2
    return 1 - grown[half : half + HEIGHT, half : half + WIDTH]


def per_slice(images: Images) -> Answer:
    """The papers' form: TensorFlow's Sobel and SciPy's median, slice by slice."""
    maps, masks = [], []
    for image in images:
        gradients = _sobel(tf.constant(image[None])).numpy()[0, ..., 0, :]
        lines = signal.medfilt(_threshold(gradients[..., 0], gradients[..., 1]), SETTINGS.structure.median)
        mask = signal.medfilt(_grown_organ(image[..., 0]), SETTINGS.mask.median)
        maps.append(lines * (1 - mask))
        masks.append(mask)
    return np.stack(maps)[..., None], np.stack(masks)[..., None]


def opencv(images: Images) -> Answer:
    """The fastest form we know on a processor, slice by slice; outside any graph."""
    maps, masks = [], []
    for image in images[..., 0]:
        dy, dx = cv2.Sobel(image, cv2.CV_32F, 0, 1), cv2.Sobel(image, cv2.CV_32F, 1, 0)
        lines = cv2.medianBlur(_threshold(dy, dx).astype(np.uint8), SETTINGS.structure.median)
        mask = cv2.medianBlur(_grown_organ(image).astype(np.uint8), SETTINGS.mask.median)
        maps.append((lines * (1 - mask)).astype(np.float32))
        masks.append(mask.astype(np.float32))
    return np.stack(maps)[..., None], np.stack(masks)[..., None]


def agreement(first: Answer, second: Answer) -> float:
    """Share of equal pixels; forms differ where they look beyond the image's edge."""
    return float(np.mean([np.mean(a == b) for a, b in zip(first, second, strict=True)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slices", type=int, default=64)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--runs", type=int, default=7, help="interleaved runs, at least 5")
    arguments = parser.parse_args()
    images = slices(arguments.slices)
    forms: dict[str, Callable[[], Answer]] = {
        "batched (ours)": lambda: batched(images, arguments.batch),
        "per slice (papers)": lambda: per_slice(images),
        "OpenCV": lambda: opencv(images),
    }
    answers = {name: form() for name, form in forms.items()}
    seconds: dict[str, list[float]] = {name: [] for name in forms}
    for _ in range(arguments.runs):
        for name, form in forms.items():
            start = time.perf_counter()
            form()
            seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    ours = medians["batched (ours)"]
    print(f"{len(images)} slices of {HEIGHT} x {WIDTH}, median of {arguments.runs} interleaved runs")
    print(f"{'form':<20}{'slices/s':>10}{'time / ours':>13}{'range s':>18}{'same pixels':>13}")
    for name, median in medians.items():
        spread = f"{min(seconds[name]):.3f}-{max(seconds[name]):.3f}"
        same = agreement(answers["batched (ours)"], answers[name])
        print(f"{name:<20}{len(images) / median:>10.0f}{median / ours:>13.2f}{spread:>18}{same:>13.4%}")


if __name__ == "__main__":
    main()
