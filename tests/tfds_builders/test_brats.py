"""The `brats` builder by TFDS's own checks; order and content of its records; loading them alone."""

from typing import ClassVar

import numpy as np
import pytest
import tensorflow_datasets as tfds
from tensorflow_datasets.core import shuffle

from tests.tfds_builders.alone import read_alone
from tf_medsynth.config.datasets import BratsSettings
from tfds_builders.brats import brats_dataset_builder
from tfds_builders.brats.brats_dataset_builder import BratsConfig, Builder

CROPPED = BratsSettings(slice_range=(50, 105), row_range=(40, 200), column_range=(60, 180), size=(16, 12))


class TestBrats(tfds.testing.DatasetBuilderTestCase):
    """TFDS's own checks: registered, readable, features as declared, no example in two splits."""

    DATASET_CLASS = Builder
    SPLITS: ClassVar = {"train": 8, "test": 4}
    BUILDER_CONFIG_NAMES_TO_TEST: ClassVar = ["slices_64", BratsConfig(name="tiny", settings=CROPPED)]
    SKIP_CHECKSUMS = True


def _prepare(tmp_path, name):
    builder = Builder(config=BratsConfig(name=name, settings=CROPPED), data_dir=str(tmp_path / name))
    config = tfds.download.DownloadConfig(manual_dir=str(TestBrats.dummy_data), try_download_gcs=False)
    builder.download_and_prepare(download_config=config)
    return builder


def test_records_are_the_same_whether_shuffled_in_memory_or_on_disk(tmp_path, monkeypatch):
    whole = _prepare(tmp_path, "memory")
    monkeypatch.setattr(brats_dataset_builder, "SHUFFLE_BYTES", 2000)
    limit = shuffle.MAX_MEM_BUFFER_SIZE
    spilled = _prepare(tmp_path, "disk")
    a, b = (list(tfds.as_numpy(x.as_dataset(split="train"))) for x in (whole, spilled))
    assert shuffle.MAX_MEM_BUFFER_SIZE == limit > 1 << 20
    assert len(a) == len(b) == 8
    for one, other in zip(a, b, strict=True):
        for key, value in one.items():
            np.testing.assert_array_equal(value, other[key])


@pytest.mark.slow
def test_loads_by_name_and_without_this_package(tmp_path):
    _prepare(tmp_path, "alone")
    by_name = tfds.load("brats/alone", split="test", data_dir=str(tmp_path / "alone"))
    assert len(by_name) == 4
    directory = tmp_path / "alone" / "brats" / "alone" / "1.0.0"
    assert read_alone(directory, tmp_path) == ["8", "int16", "(16,", "12,", "4)"]
