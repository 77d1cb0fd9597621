"""`medsynth_synthetic`: TFDS's own battery on a spool of two chunks, and what that does not ask."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow_datasets as tfds

from tests.tfds_builders.alone import read_alone
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.runtime.prepared_sets import domain_of
from tf_medsynth.types import MedSynthError
from tfds_builders.medsynth_synthetic import medsynth_synthetic_dataset_builder as module

README = Path(module.__file__).parent / "README.md"
SPOOL = README.parent / "dummy_data"
SAMPLES = 6
PIXELS = ("images", "structure_map", "background_mask")


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
    assert domain_of(built) == BRAIN_MRI


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


@pytest.fixture(scope="module")
def in_shards(tmp_path_factory) -> tfds.core.DatasetBuilder:
    """All samples, two a shard."""
    builder = module.Builder(data_dir=tmp_path_factory.mktemp("in_shards"), spool=str(SPOOL))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BYTES_A_SHARD", 2 * 16 * 16 * (4 * 4 + 3) + 200)
        builder.download_and_prepare()
    return builder


def numbers(examples) -> list[int]:
    return [int(example["sample_index"]) for example in examples]


def test_shards_are_closed_in_time_and_read_in_order(in_shards):
    assert in_shards.info.splits["train"].shard_lengths == [2, 2, 2]
    assert numbers(examples(in_shards)) == stored()["sample_index"].tolist()


@pytest.mark.parametrize("by_name", [True, False])
def test_files_are_shuffled_where_asked_for(in_shards, by_name):
    builder = tfds.builder("medsynth_synthetic", data_dir=in_shards._data_dir_root)
    builder = builder if by_name else tfds.builder_from_directory(in_shards.data_dir)
    config = tfds.ReadConfig(shuffle_seed=1)
    read = builder.as_dataset(split="train", shuffle_files=True, read_config=config)
    in_order = stored()["sample_index"].tolist()
    assert sorted(numbers(read)) == in_order != numbers(read)


def test_supervised_examples_are_images_and_label(built):
    (first, *_) = tfds.load("medsynth_synthetic", data_dir=built._data_dir_root, as_supervised=True)["train"]
    for found, name in zip(first, ("images", "lesion_label"), strict=True):
        np.testing.assert_array_equal(found, stored()[name][0])


@pytest.mark.parametrize("keys", [{}, {"image_key": "images"}, {"image_key": "structure_map"}], ids=str)
def test_tfds_shows_examples(built, keys, monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: None)
    figure = tfds.show_examples(built.as_dataset(split="train"), built.info, **keys)
    assert len(figure.axes) == 4
    plt.close(figure)


def test_tfds_makes_a_table(built):
    table = tfds.as_dataframe(built.as_dataset(split="train"), built.info)
    assert table["sample_index"].tolist() == stored()["sample_index"][:4].tolist()
    assert "<img" in table._repr_html_()
    assert built.info.features["lesion_label"].names == list(BRAIN_MRI.label.classes)


def test_random_access_by_the_format_made_for_it(built, tmp_path):
    with pytest.raises(MedSynthError, match=r"tfds convert_format .*--out_file_format=array_record"):
        tfds.data_source("medsynth_synthetic", split="train", data_dir=built._data_dir_root)
    builder = module.Builder(data_dir=tmp_path, spool=str(SPOOL), count=5, file_format="array_record")
    builder.download_and_prepare()
    source = tfds.data_source("medsynth_synthetic", split="train", data_dir=tmp_path)
    assert len(source) == 5
    np.testing.assert_array_equal(source[3]["images"], stored()["images"][3])
    np.testing.assert_array_equal(source[3]["lesion_label"], stored()["lesion_label"][3])


@pytest.mark.slow
def test_a_converted_set_is_read_both_ways(built, tmp_path):
    folder = shutil.copytree(built.data_dir, tmp_path / "medsynth_synthetic" / "1.0.0")
    (command,) = re.findall(r"^tfds (convert_format .*)$", README.read_text(encoding="utf-8"), re.MULTILINE)
    words = command.replace("OUT/medsynth_synthetic/1.0.0", str(folder)).split()
    subprocess.run([Path(sys.executable).with_name("tfds"), *words], check=True, capture_output=True)
    source = tfds.data_source("medsynth_synthetic", split="train", data_dir=tmp_path)
    read = tfds.load("medsynth_synthetic", split="train", data_dir=tmp_path)
    assert [int(example["sample_index"]) for example in source] == numbers(read) == [0, 1, 2, 3]


def test_a_spool_with_too_few_samples_leaves_nothing(tmp_path):
    builder = module.Builder(data_dir=tmp_path, spool=str(SPOOL), count=99)
    with pytest.raises(MedSynthError, match=r"Received: samples=6, count=99"):
        builder.download_and_prepare()
    assert not list(tmp_path.rglob("*.tfrecord*"))


def test_a_folder_that_is_no_spool_is_named(tmp_path):
    with pytest.raises(MedSynthError, match=r"spool\.json"):
        module.Builder(data_dir=tmp_path / "out", spool=str(tmp_path))
