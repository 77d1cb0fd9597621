"""TFDS builder of `brats`: patients of any published year as slices, stacks or volumes."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core import shuffle

from tf_medsynth.cohorts.patient import read_patient
from tf_medsynth.cohorts.survey import PatientFiles
from tf_medsynth.config.datasets import BRATS_CONFIGS, BratsSettings
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.runtime import Beam, progress, write_json
from tfds_builders.brats.cohort import Checked, Cohort, check_together, check_voxels, read_cohort
from tfds_builders.brats.cut import cut_examples, cut_patient, cut_portrait
from tfds_builders.brats.examples import patient_examples
from tfds_builders.features import described, label_features, pixels, vector

INPUTS_FILE = "inputs.json"
"""Beside the records: fingerprint, settings, and which patient with which files is in which split."""

SHUFFLE_BYTES = 16 << 20
SHUFFLE_BUCKETS = 256

log = logging.getLogger("medsynth")


@dataclasses.dataclass(eq=False, kw_only=True)
class BratsConfig(tfds.core.BuilderConfig):
    """A named `BratsSettings`."""

    settings: BratsSettings = dataclasses.field(default_factory=BratsSettings)


class Builder(tfds.core.GeneratorBasedBuilder):
    """Builds `brats`; one patient is in memory at a time, whatever the size of the cohort.

    Features of an example, with H, W of the config, M = 4 modalities in the order of `BRAIN_MRI`:

    - ``images``: `(H, W, M)` int16 (`(S, H, W, M)` in stacks, `(D, H, W, M)` in volumes), x to the
      patient's left, y to the back; values as stored, or times what ``inputs.json`` says of the patient;
    - ``lesion_label``: `(H, W, 1)` uint8 (`(D, H, W, 1)` in volumes), index into its classes;
    - ``patient``, and ``slice_index``: z in the source volume (of the middle, or first, slice);
    - ``intensity_min``, ``_max``, ``_p995``, ``_mean``, ``_std``: `(M,)` float32 over the whole
      volume, the last three over its voxels above 0;
    - ``spacing`` `(3,)`: mm, (z, y, x), of the stored pixels; ``origin`` `(3,)`: mm, (x, y, z) in
      LPS, of the first stored pixel's centre; ``direction`` `(9,)`: 3x3, row by row. All float32.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "First release."}
    BUILDER_CONFIGS: ClassVar[list[BratsConfig]] = [
        BratsConfig(name=name, settings=settings) for name, settings in BRATS_CONFIGS.items()
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "BraTS asks for registration. Unpack any release, or a collection of another layout, into "
        "manual_dir; `medsynth doctor` says what it makes of it."
    )

    def __init__(self, **kwargs: Any) -> None:
        self._checked: tuple[Cohort, Checked] | None = None
        self._cut: Path | None = None
        super().__init__(**kwargs)

    @property
    def settings(self) -> BratsSettings:
        """Settings of the chosen config."""
        settings: BratsSettings = self.builder_config.settings
        return settings

    @property
    def voxels_of_a_patient(self) -> int:
        """Stored values of one patient's images."""
        slices = self.settings.slice_range[1] - self.settings.slice_range[0]
        depth = self.settings.stack_size if self.settings.form == "stacks" else 1
        return slices * depth * math.prod(self.settings.image_size) * BRAIN_MRI.image_channels

    def cohort(self, folder: str | Path) -> Cohort:
        """The cohort in `folder` as this config splits it; no voxel is read."""
        return read_cohort(folder, self.settings, str(self.version))

    def check(self, cohort: Cohort) -> Checked:
        """`cohort` examined, which then counts as checked; see `check_voxels` for what it raises."""
        if self._checked is None or self._checked[0].fingerprint != cohort.fingerprint:
            self._checked = cohort, check_voxels(cohort)
        return self._checked[1]

    def cut(self, cohort: Cohort, folder: Path, beam: Beam) -> None:
        """Checks `cohort` and cuts it into `folder`, a patient a worker of `beam` at a time.

        The records are written from there afterwards, in this process: what is in them, and in which
        order, does not depend on the workers.
        """
        folder.mkdir()
        beam.run(functools.partial(cut_patient, folder, self.settings), cohort.patients)
        seen = [cut_portrait(folder, patient) for patient in cohort.patients]
        self._checked, self._cut = (cohort, check_together(cohort, seen)), folder

    def _info(self) -> tfds.core.DatasetInfo:
        rows, columns = self.settings.image_size
        depth: tuple[int | None, ...] = {
            "slices": (),
            "stacks": (self.settings.stack_size,),
            "volumes": (None,),
        }[self.settings.form]
        label = label_features(BRAIN_MRI, rows, columns)
        if self.settings.form == "volumes":
            label = {"lesion_label": pixels((*depth, rows, columns, 1), np.uint8)}
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "images": pixels((*depth, rows, columns, BRAIN_MRI.image_channels), np.int16),
                    **label,
                    "patient": tfds.features.Text(),
                    "slice_index": np.int32,
                    **{f"intensity_{name}": vector(BRAIN_MRI.num_modalities) for name in _STATISTICS},
                    "spacing": vector(3),
                    "origin": vector(3),
                    "direction": vector(9),
                }
            ),
            supervised_keys=("images", "lesion_label"),
            homepage="https://www.med.upenn.edu/cbica/brats/",
            metadata=described(BRAIN_MRI, settings=self.settings.to_dict()),
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[tuple[str, dict[str, Any]]]]:
        cohort = self.cohort(Path(dl_manager.manual_dir))
        for remark in self.check(cohort).remarks:
            log.warning(remark)
        return {name: self._generate_examples(name, members) for name, members in cohort.splits.items()}

    def _generate_examples(
        self, split: str, patients: tuple[PatientFiles, ...]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        for files in progress(patients, label=f"writing {split}", unit="patient"):
            if self._cut is None:
                assert self._checked is not None
                reading = self._checked[1].readings[files.name]
                yield from patient_examples(read_patient(files, self.settings, reading), self.settings)
            else:
                yield from cut_examples(self._cut, files.name)

    def _download_and_prepare(self, dl_manager: Any, download_config: Any = None) -> None:
        with _bounded_shuffle():
            super()._download_and_prepare(dl_manager, download_config)
        if self._checked is not None:  # in the directory that TFDS renames when all is written
            cohort, checked = self._checked
            write_json(Path(self.data_dir) / INPUTS_FILE, cohort.record(checked))


_STATISTICS = ("min", "max", "p995", "mean", "std")


@contextlib.contextmanager
def _bounded_shuffle() -> Iterator[None]:
    """TFDS shuffles on disk beyond 16 MiB within this context, not beyond its own 1 GiB.

    Else a cohort of ten times the patients takes ten times the memory. 256 files on disk stay below
    the usual limit of open files, and each is read whole when its turn comes.
    """
    before = shuffle.MAX_MEM_BUFFER_SIZE, shuffle.BUCKETS_NUMBER
    shuffle.MAX_MEM_BUFFER_SIZE, shuffle.BUCKETS_NUMBER = SHUFFLE_BYTES, SHUFFLE_BUCKETS
    try:
        yield
    finally:
        shuffle.MAX_MEM_BUFFER_SIZE, shuffle.BUCKETS_NUMBER = before
