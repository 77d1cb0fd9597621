"""TFDS builder of `retina`: photographs of the fundus with their vessels, as square slices."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds

from tf_medsynth.config.domains.retina import RETINA
from tf_medsynth.runtime import progress, write_json
from tfds_builders.features import described, label_features, supervised_keys
from tfds_builders.retina.cohort import Cohort, check_pixels, read_cohort
from tfds_builders.retina.examples import example_of
from tfds_builders.retina.files import PhotographFiles
from tfds_builders.retina.photograph import read_photograph
from tfds_builders.retina.settings import RETINA_CONFIGS, RetinaSettings

INPUTS_FILE = "inputs.json"
"""Beside the records: fingerprint, settings, and which image with which files is in which split."""

log = logging.getLogger("medsynth")


@dataclasses.dataclass(eq=False, kw_only=True)
class RetinaConfig(tfds.core.BuilderConfig):
    """A named `RetinaSettings`."""

    settings: RetinaSettings = dataclasses.field(default_factory=RetinaSettings)


class Builder(tfds.core.GeneratorBasedBuilder):
    """Builds `retina`; one photograph is in memory at a time.

    Features of an example, with S the side of the config:

    - ``images``: `(S, S, 3)` uint8, red, green, blue; black outside of the field of view;
    - ``lesion_label``: `(S, S, 1)` uint8, 1 on a vessel (all 0 in the split ``unlabelled``);
    - ``field_of_view``: `(S, S, 1)` uint8, 1 where the eye is seen;
    - ``patient``: number of the image; ``slice_index``: 0.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "First release."}
    BUILDER_CONFIGS: ClassVar[list[RetinaConfig]] = [
        RetinaConfig(name=name, settings=settings) for name, settings in RETINA_CONFIGS.items()
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "DRIVE asks for registration. Unpack it, or a collection of the folders images, 1st_manual and "
        "mask, into manual_dir."
    )

    def __init__(self, **kwargs: Any) -> None:
        self._checked: tuple[Cohort, tuple[str, ...]] | None = None
        super().__init__(**kwargs)

    @property
    def settings(self) -> RetinaSettings:
        """Settings of the chosen config."""
        settings: RetinaSettings = self.builder_config.settings
        return settings

    def cohort(self, folder: str | Path) -> Cohort:
        """The cohort in `folder` as this config splits it; no pixel is read."""
        return read_cohort(folder, self.settings, str(self.version))

    def check(self, cohort: Cohort) -> tuple[str, ...]:
        """Remarks on `cohort`, which then counts as checked; see `check_pixels` for what it raises."""
        if self._checked is None or self._checked[0].fingerprint != cohort.fingerprint:
            self._checked = cohort, check_pixels(cohort)
        return self._checked[1]

    def _info(self) -> tfds.core.DatasetInfo:
        side = self.settings.side
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "images": tfds.features.Image(shape=(side, side, 3), encoding_format="png"),
                    **label_features(RETINA, side, side),
                    "field_of_view": tfds.features.LabeledImage(
                        labels=["outside", "inside"], shape=(side, side, 1), encoding_format="png"
                    ),
                    "patient": tfds.features.Text(),
                    "slice_index": np.int32,
                }
            ),
            supervised_keys=supervised_keys(RETINA),
            homepage="https://drive.grand-challenge.org/",
            metadata=described(RETINA, settings=self.settings.to_dict()),
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[tuple[str, dict[str, Any]]]]:
        cohort = self.cohort(Path(dl_manager.manual_dir))
        for remark in self.check(cohort):
            log.warning(remark)
        return {name: self._generate_examples(name, members) for name, members in cohort.splits.items()}

    def _generate_examples(
        self, split: str, photographs: tuple[PhotographFiles, ...]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        for files in progress(photographs, label=f"writing {split}", unit="image"):
            yield files.name, example_of(files.name, read_photograph(files), self.settings)

    def _download_and_prepare(self, dl_manager: Any, download_config: Any = None) -> None:
        super()._download_and_prepare(dl_manager, download_config)
        if self._checked is not None:  # in the directory that TFDS renames when all is written
            cohort, remarks = self._checked
            write_json(Path(self.data_dir) / INPUTS_FILE, cohort.record(remarks))
