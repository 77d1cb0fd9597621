"""Tiny patients in the published layouts, for the tests of everything that reads a folder of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tf_medsynth.imaging.volumes import Volume, read_volume, write_volume

SHAPE = (12, 24, 24)
LPS_ORIGIN = (0.0, -239.0, 0.0)
"""What BraTS gives a volume of 240 rows; any origin would do."""

_NAMES = {
    "brats2015": ("MR_T1.1", "MR_T2.2", "MR_T1c.3", "MR_Flair.4", "OT.5"),
    "brats2017": ("_t1", "_t2", "_t1ce", "_flair", "_seg"),
    "brats2023": ("-t1n", "-t2w", "-t1c", "-t2f", "-seg"),
}
KINDS = ("T1", "T2", "T1c", "Flair", "label")


def paths(folder: Path, name: str, layout: str = "brats2017") -> dict[str, Path]:
    """Where the five volumes of a patient go: keys T1, T2, T1c, Flair, label."""
    home, words = folder / name, _NAMES[layout]
    if layout == "brats2015":
        stems = [f"VSD.Brain{'_3more' if 'OT' in word else ''}.XX.O.{word}" for word in words]
        files = [home / stem / f"{stem}.mha" for stem in stems]
    else:
        files = [home / f"{name}{word}.nii.gz" for word in words]
    return dict(zip(KINDS, files, strict=True))


def volumes(seed: int = 0, shape: tuple[int, ...] = SHAPE, layout: str = "brats2017") -> dict[str, NDArray]:
    """A brain-shaped blob in four contrasts (int16) with a lesion of every class in it (uint8)."""
    rng = np.random.default_rng(seed)
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    jitter = rng.uniform(0.95, 1.05, 3)
    brain = sum((axis / (0.8 * j)) ** 2 for axis, j in zip(axes, jitter, strict=True)) < 1
    texture = ndimage.gaussian_filter(rng.normal(size=shape), 1.0)
    texture = (texture - texture.min()) / np.ptp(texture)
    centre = rng.uniform(-0.2, 0.2, 3)
    distance = np.sqrt(sum((axis - c) ** 2 for axis, c in zip(axes, centre, strict=True)))
    label = np.zeros(shape, np.uint8)
    enhancing = 3 if layout == "brats2023" else 4
    for radius, code in ((0.45, 2), (0.3, enhancing), (0.18, 1)):
        label[distance < radius] = code
    images = {}
    for number, kind in enumerate(KINDS[:4]):
        signal = 200 + 100 * number + (700 + 200 * rng.random()) * texture + 300 * (label == enhancing)
        images[kind] = np.where(brain, signal, 0).astype(np.int16)
    return images | {"label": np.where(brain, label, 0).astype(np.uint8)}


def write_patient(
    folder: Path,
    name: str = "BraTS2021_00001",
    layout: str = "brats2017",
    seed: int = 0,
    shape: tuple[int, ...] = SHAPE,
    edit: Callable[[dict[str, NDArray]], None] | None = None,
) -> dict[str, Path]:
    """Writes a patient and returns its files; `edit` may change the arrays first."""
    arrays = volumes(seed, shape, layout)
    if edit is not None:
        edit(arrays)
    files = paths(folder, name, layout)
    for kind, array in arrays.items():
        files[kind].parent.mkdir(parents=True, exist_ok=True)
        write_volume(Volume(array, origin=LPS_ORIGIN), files[kind])
    return files


def write_named(files: Mapping[str, Path], arrays: Mapping[str, NDArray], **header: object) -> None:
    """Writes the arrays of `volumes` under any names, by kind."""
    for kind, path in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_volume(Volume(arrays[kind], **{"origin": LPS_ORIGIN, **header}), path)


def rewrite(path: Path, array: NDArray | None = None, **header: object) -> None:
    """Writes a volume again with other voxels or another `spacing`, `origin` or `direction`."""
    volume = read_volume(path)
    changes = header if array is None else {"array": array, **header}
    write_volume(dataclasses.replace(volume, **changes), path)
