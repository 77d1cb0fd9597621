"""Good inputs that the cases spoil copies of."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np

from tf_medsynth.config.domains.brain_mri import BRAIN_MRI

SHAPE = (24, 24, 20)
SUFFIXES = {"T1": "t1", "T2": "t2", "T1c": "t1ce", "Flair": "flair"}


def make_bases(folder: Path) -> Path:
    """Writes what cases copy, and returns `folder`: ``patients/``, three small patients as NIfTI."""
    for number in range(3):
        write_patient(folder / "patients", f"P{number:04d}", number)
    return folder


def write_patient(folder: Path, name: str, seed: int = 0) -> Path:
    """One patient's folder, in the layout of BraTS 2021: an ellipsoid with a lesion."""
    own = folder / name
    own.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij"))
    brain = (grid**2).sum(0) < 0.7
    lesion = ((grid - 0.2) ** 2).sum(0) < 0.06
    affine = np.diag([-1.0, -1.0, 1.0, 1.0])
    for number, modality in enumerate(BRAIN_MRI.modalities):
        image = brain * (400 + 100 * number + 300 * lesion * (number % 2) + rng.normal(0, 40, SHAPE))
        file = own / f"{name}_{SUFFIXES[modality]}.nii.gz"
        nibabel.save(nibabel.Nifti1Image(image.clip(0).astype(np.int16), affine), file)
    label = np.where(lesion, 2, 0) + 2 * (((grid - 0.2) ** 2).sum(0) < 0.03)
    nibabel.save(nibabel.Nifti1Image(label.astype(np.uint8), affine), own / f"{name}_seg.nii.gz")
    return own
