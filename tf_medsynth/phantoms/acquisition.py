"""What a scanner adds to the signal: bias field, noise, gain, integers."""

from __future__ import annotations

import math

import numpy as np

from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.phantoms.fields import Field, Grid, Sampler, blur, noise, stream
from tf_medsynth.phantoms.signal import draw_scanner, mix
from tf_medsynth.phantoms.skull import BODY
from tf_medsynth.phantoms.tissue import LESION_TISSUES, draw_head, paint
from tf_medsynth.phantoms.tumour import draw_plan

FINE = 1.5
"""Voxels are cut to about this (mm) before tissues are painted; below it no detail is drawn."""

APODISATION = 0.33
"""Standard deviation, in voxels, of the blur that every reconstruction filter leaves."""


def image_grid(size: int) -> Grid:
    """The voxels of a `size` x `size` cohort, on the 155 x 240 x 240 mm of a BraTS volume."""
    spacing = 240 / size
    first = spacing / 2 - 0.5
    return Grid((round(size * 155 / 240), size, size), spacing, (first, first, first))


def acquire(seed: int, patient: int, size: int) -> tuple[dict[str, np.ndarray], np.ndarray, str]:
    """Four int16 volumes, the uint8 label and the grade of one patient.

    Returns:
        ``{modality: (z, y, x) int16}``, 0 outside the brain and at least 1 within; label codes 0
        to 4 `(z, y, x)` uint8; "HGG" or "LGG".
    """
    plan = draw_plan(seed, patient)
    head = draw_head(seed, patient, plan)
    whole = image_grid(size)
    window, part = _crop(head.skull.mask, whole)
    factor = max(1, round(part.spacing / FINE))
    fractions, share = paint(head, part, factor)
    inside = share > 0.5
    rng = stream(seed, patient, "acquisition")
    clean = mix(draw_scanner(seed, patient), fractions, _textures(rng, part))
    plane = float(rng.uniform(0.35, 0.65))
    volumes = {}
    for modality in BRAIN_MRI.modalities:
        volumes[modality] = np.zeros(whole.shape, np.int16)
        # Slices of two-dimensional sequences are thicker than pixels; the apodised k-space adds its share.
        thick = [float(rng.uniform(0.5, 1.3)), plane, plane]
        aperture = [math.hypot(sigma / part.spacing, APODISATION) for sigma in thick]
        volumes[modality][window] = _digitise(rng, blur(clean[modality], aperture), inside, part)
    label = np.zeros(whole.shape, np.uint8)
    label[window] = _label(fractions) * inside
    return volumes, label, plan.grade


def _crop(mask: Field, whole: Grid) -> tuple[tuple[slice, ...], Grid]:
    """The window of the image that holds the brain, as slices and as a grid."""
    slices, shape, start = [], [], []
    for axis in range(3):
        hit = np.flatnonzero((mask > -BODY.spacing).any(axis=tuple(a for a in range(3) if a != axis)))
        low, high = BODY.axis(axis)[[hit[0], hit[-1]]]
        first = max(int((low - whole.start[axis]) // whole.spacing), 0)
        last = min(int((high - whole.start[axis]) // whole.spacing) + 2, whole.shape[axis])
        slices.append(slice(first, last))
        shape.append(last - first)
        start.append(whole.start[axis] + first * whole.spacing)
    grid = Grid((shape[0], shape[1], shape[2]), whole.spacing, (start[0], start[1], start[2]))
    return tuple(slices), grid


def _textures(rng: np.random.Generator, part: Grid) -> dict[str, Field]:
    """Unevenness of tissues: a slow field for the healthy, a faster one in lesions."""
    sampler = Sampler(BODY, part)
    slow, fast = sampler(noise(rng, BODY, 35.0)), sampler(noise(rng, BODY, 11.0))
    healthy = ("fluid", "grey", "white", "nuclei", "pallidum")
    return dict.fromkeys(healthy, slow) | dict.fromkeys(("vessel", "choroid", *LESION_TISSUES), fast)


def _digitise(rng: np.random.Generator, clean: Field, inside: np.ndarray, part: Grid) -> np.ndarray:
    """`clean` through coil, receiver and converter: int16, 0 outside the brain."""
    bias = np.exp(np.float32(rng.uniform(0.04, 0.11)) * Sampler(BODY, part)(noise(rng, BODY, 160.0)))
    level = float(np.quantile(clean[inside], 0.995))
    # A larger voxel averages noise away, as a coarser image of the same scan would.
    sigma = np.float32(level * rng.uniform(0.006, 0.016) / part.spacing)
    real = clean * bias + sigma * rng.standard_normal(part.shape, dtype=np.float32)
    imaginary = sigma * rng.standard_normal(part.shape, dtype=np.float32)
    magnitude = np.sqrt(real * real + imaginary * imaginary)
    top = float(magnitude[inside].max())
    gain = float(np.exp(rng.uniform(np.log(600), np.log(3800)))) / top
    return np.where(inside, np.maximum(np.rint(magnitude * np.float32(gain)), 1), 0).astype(np.int16)


def _label(fractions: dict[str, Field]) -> np.ndarray:
    """Code of the lesion tissue that fills most of a voxel that is lesion for the larger part."""
    stack = np.stack([fractions[name] for name in LESION_TISSUES])
    code = np.argmax(stack, axis=0).astype(np.uint8) + 1
    return np.where(stack.sum(axis=0) > 0.5, code, 0).astype(np.uint8)
