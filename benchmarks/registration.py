"""How well a known shift between two contrasts of one real patient is measured.

    python benchmarks/registration.py --scans DIR [--trials 360] [--size 96] [--json]

A slice of one modality is shifted by a spline, 0.1 to 5 px in any direction, and its shift against
another modality of the same slice is measured: by `subpixel_shift`, and by plain cross-correlation of
maps of Gaussian gradient magnitude. Both see the same pairs and shifts. Prints the error in px, median
and 95th percentile:

- absolute: measured less put, which holds what real modalities lie apart, and so the figure to trust;
- added: measured shifted, less measured unshifted, less put;
- unshifted: what is measured where nothing was put;
- by Fourier: absolute, with the shift made in the spectrum;
- within: only what is in the organ moves, by at most 2 px, and its outline stays: the outline holds
  the estimate back, most of all at 1 mm.

Last, what the worst patch reads (5th percentile, median, 95th): of pairs as they are, and of pairs of
which one moved within its outline by 2 px.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from scipy import ndimage
from skimage.registration import phase_cross_correlation

from tf_medsynth.cohorts.survey import find_patients
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.imaging.registration import subpixel_shift, worst_local_shift
from tf_medsynth.imaging.volumes import read_volume
from tf_medsynth.runtime import log_to_stderr, progress

HEAD = slice(24, 216)
SLICES = range(50, 105, 10)
LEAST, MOST = 0.1, 5.0
MOST_WITHIN = 2.0

Estimator = Callable[[np.ndarray, np.ndarray], np.ndarray]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--scans", type=Path, required=True, help="folder of patients, only read")
    parser.add_argument("--trials", type=int, default=360)
    parser.add_argument("--size", type=int, help="resize the 192 x 192 head; default: as it is, 1 mm")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    log_to_stderr()
    slices = real_slices(arguments.scans, arguments.size)
    found = errors(slices, arguments.trials, arguments.seed)
    patch = worst_patches(slices, arguments.trials, arguments.seed)
    if arguments.json:
        print(json.dumps({"slices": len(slices), "trials": arguments.trials, **found, "patch": patch}))
        return
    print(f"{len(slices)} slices, {arguments.trials} shifts; median / 95th percentile, px")
    for name, rows in found.items():
        shown = ", ".join(f"{row} {median:.3f} / {p95:.3f}" for row, (median, p95) in rows.items())
        print(f"{name:22s} {shown}")
    for name, values in patch.items():
        print(f"worst patch, {name:9s} {' / '.join(f'{value:.2f}' for value in values)}")


def real_slices(scans: Path, size: int | None = None, levels: range = SLICES) -> np.ndarray:
    """`(n, H, W, 4)` float32: some slices of every patient."""
    found = []
    for patient in progress(find_patients(scans), label="reading", unit="patient"):
        volumes = [
            read_volume(patient.images[m]).array[list(levels), HEAD, HEAD] for m in BRAIN_MRI.modalities
        ]
        for images in np.stack(volumes, axis=-1).astype(np.float32):
            found.append(
                images if size is None else cv2.resize(images, (size, size), interpolation=cv2.INTER_AREA)
            )
    return np.stack(found)


def ours(fixed: np.ndarray, moving: np.ndarray) -> np.ndarray:
    """What the package measures."""
    return np.array(subpixel_shift(fixed, moving))


def gradient_length(fixed: np.ndarray, moving: np.ndarray) -> np.ndarray:
    """Plain cross-correlation of Gaussian gradient magnitudes, upsampled 20 times."""
    maps = [ndimage.gaussian_gradient_magnitude(image.astype(np.float64), 1.0) for image in (fixed, moving)]
    return -np.array(phase_cross_correlation(*maps, upsample_factor=20, normalization=None)[0])


def errors(slices: np.ndarray, trials: int, seed: int = 0) -> dict[str, dict[str, tuple[float, float]]]:
    """Of both estimators: median and 95th percentile of each error, px, and ms a pair."""
    estimators: dict[str, Estimator] = {"edge directions": ours, "gradient length": gradient_length}
    found: dict[str, dict[str, list[float]]] = {name: {} for name in estimators}
    for trial in progress(range(trials), label="shifts", unit="shift"):
        fixed, moving, put = _draw(slices, trial, trials, seed)
        for name, estimate in estimators.items():
            for row, value in _one(estimate, fixed, moving, put).items():
                found[name].setdefault(row, []).append(value)
    return {
        name: {row: (float(np.median(v)), float(np.quantile(v, 0.95))) for row, v in rows.items()}
        for name, rows in found.items()
    }


def worst_patches(slices: np.ndarray, trials: int, seed: int = 0) -> dict[str, list[float]]:
    """Px that the worst patch reads, at 5, 50 and 95 %: pairs as they are, and moved within by 2 px."""
    found: dict[str, list[float]] = {"unmoved": [], "moved": []}
    patch = min(slices.shape[1:3]) // 3
    for trial in progress(range(trials), label="patches", unit="pair"):
        fixed, moving, put = _draw(slices, trial, trials, seed)
        put = put * MOST_WITHIN / float(np.hypot(*put))
        inside = ndimage.shift(moving, put, order=3) * (moving > 0)
        for name, image in (("unmoved", moving), ("moved", inside)):
            found[name].append(worst_local_shift(fixed, image, patch, patch // 2).magnitude)
    return {name: np.nanquantile(values, [0.05, 0.5, 0.95]).tolist() for name, values in found.items()}


def _draw(
    slices: np.ndarray, trial: int, trials: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two modalities of a slice, and a shift to put on the second."""
    rng = np.random.default_rng((seed, trial))
    pair = list(itertools.permutations(range(BRAIN_MRI.num_modalities), 2))[rng.integers(12)]
    fixed, moving = (slices[trial * len(slices) // trials][..., channel] for channel in pair)
    angle = rng.uniform(0, 2 * np.pi)
    return fixed, moving, rng.uniform(LEAST, MOST) * np.array([np.sin(angle), np.cos(angle)])


def _one(estimate: Estimator, fixed: np.ndarray, moving: np.ndarray, put: np.ndarray) -> dict[str, float]:
    start = time.thread_time()
    own = estimate(fixed, moving)
    milliseconds = 1000 * (time.thread_time() - start)
    shifted = estimate(fixed, ndimage.shift(moving, put, order=3))
    spectral = np.real(np.fft.ifft2(ndimage.fourier_shift(np.fft.fft2(moving), put)))
    small = put * min(1.0, MOST_WITHIN / float(np.hypot(*put)))
    inside = ndimage.shift(moving, small, order=3) * (moving > 0)
    return {
        "absolute": float(np.hypot(*(shifted - put))),
        "added": float(np.hypot(*(shifted - own - put))),
        "unshifted": float(np.hypot(*own)),
        "by Fourier": float(np.hypot(*(estimate(fixed, spectral) - put))),
        "within": float(np.hypot(*(estimate(fixed, inside) - small))),
        "ms a pair": milliseconds,
    }


if __name__ == "__main__":
    main()
