"""`medsynth_synthetic`: TFDS's own battery on a spool of two chunks, and what that does not ask."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tests.tfds_builders.alone import read_alone
from tf_medsynth.types import MedSynthError
from tfds_builders.medsynth_synthetic import medsynth_synthetic_dataset_builder as module

SPOOL = Path(module.__file__).parent / "dummy_data"
SAMPLES = 6
PIXELS = ("images", "structure_map", "background_mask", "lesion_label")


class MedsynthSyntheticTest(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = module.Builder
    SKIP_CHECKSUMS = True
    SPLITS = {"train": SAMPLES}


def stored() -> dict[str, np.ndarray]:
    """Arrays of the whole spool, read without the builder."""
    chunks = [np.load(path) for path in sorted((SPOOL / "chunks").iterdir())]
    return {name: np.concatenate([c[name] for c in chunks]) for name in chunks[0].files}


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tfds.core.DatasetBuilder:
    builder = module.Builder(data_dir=tmp_path_factory.mktemp("built"), spool=str(SPOOL), count=4)
    builder.download_and_prepare()
    return builder


def examples(builder) -> list[dict]:
    return list(tfds.as_numpy(builder.as_dataset(split="train")))


def test_examples_are_the_first_samples_in_order_to_the_bit(built):
    arrays = stored()
    for number, example in enumerate(examples(built)):
        for name in (
            "images",
            "structure_map",
            "background_mask",
            "lesion_label",
            "sample_index",
            *module.SCORES,
        ):
            np.testing.assert_array_equal(example[name], arrays[name][number])
    assert built.info.splits["train"].num_examples == 4


def test_examples_carry_the_name_of_the_sample(built):
    identity = json.loads((SPOOL / "spool.json").read_text())["identity"]
    first = examples(built)[0]
    assert (first["model_hash"].decode(), first["seed"]) == (identity["model_hash"], identity["seed"])
    assert built.info.metadata["modalities"] == ["T1", "T2", "T1c", "Flair"]


def test_loads_by_name_with_known_shapes_and_without_the_package(built):
    by_name = tfds.load("medsynth_synthetic", split="train", data_dir=built._data_dir_root)
    assert by_name.element_spec["images"].shape == (16, 16, 4)
    alone = tfds.builder_from_directory(built.data_dir)
    assert type(alone) is not module.Builder
    for one, other in zip(examples(alone), tfds.as_numpy(by_name), strict=True):
        np.testing.assert_array_equal(one["images"], other["images"])


@pytest.mark.slow
def test_loads_where_this_package_is_unknown(built, tmp_path):
    assert read_alone(Path(built.data_dir), tmp_path) == ["4", "float32", "(16,", "16,", "4)"]


def test_pixels_are_packed(built):
    features = built.info.features
    for name in PIXELS:
        assert features[name]._encoding == tfds.features.Encoding.ZLIB


def test_shards_are_closed_in_time(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_BYTES_A_SHARD", 2 * 16 * 16 * (4 * 4 + 3) + 200)
    builder = module.Builder(data_dir=tmp_path, spool=str(SPOOL))
    builder.download_and_prepare()
    assert builder.info.splits["train"].shard_lengths == [2, 2, 2]
    indices = [int(example["sample_index"]) for example in examples(builder)]
    assert indices == stored()["sample_index"].tolist()


def test_a_spool_with_too_few_samples_leaves_nothing(tmp_path):
    builder = module.Builder(data_dir=tmp_path, spool=str(SPOOL), count=99)
    with pytest.raises(MedSynthError, match=r"Received: samples=6, count=99"):
        builder.download_and_prepare()
    assert not list(tmp_path.rglob("*.tfrecord*"))


def test_a_folder_that_is_no_spool_is_named(tmp_path):
    with pytest.raises(MedSynthError, match=r"spool\.json"):
        module.Builder(data_dir=tmp_path / "out", spool=str(tmp_path))
