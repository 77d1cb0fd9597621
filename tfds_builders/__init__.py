"""TFDS data sets of this project, a folder each; importing the package registers them by name."""

from tfds_builders.brats import brats_dataset_builder
from tfds_builders.medsynth_synthetic import medsynth_synthetic_dataset_builder
from tfds_builders.retina import retina_dataset_builder

__all__ = ["brats_dataset_builder", "medsynth_synthetic_dataset_builder", "retina_dataset_builder"]
