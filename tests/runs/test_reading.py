"""Sets of every sort as samples: the pixels on disk, in order; bad input is one line."""

import cv2
import numpy as np
import pytest

from tests.generation.analytic import parts
from tests.patients import rewrite, write_patient
from tf_medsynth.config.generation import GenerationConfig, LesionGate
from tf_medsynth.data.slices import open_slices
from tf_medsynth.generation import publish, stream
from tf_medsynth.imaging.volumes import read_volume
from tf_medsynth.runs.reading import read_samples
from tf_medsynth.types import MedSynthError

SETTINGS = GenerationConfig(lesion=LesionGate(0.7, 0.5))


@pytest.fixture(scope="module")
def spool(tmp_path_factory):
    synthesiser, pool = parts()
    return stream(synthesiser, pool, SETTINGS, 3, 6, tmp_path_factory.mktemp("spool"))


@pytest.mark.parametrize("form", ["tfds", "nifti", "mha"])
def test_a_generated_set_is_read_in_any_format(tmp_path, spool, form):
    publish(spool, tmp_path / "set", form, 6)
    wanted = list(spool.samples(6))
    read = read_samples(tmp_path / "set")
    assert (read.origin, read.total, read.patients, read.splits) == ("generated", 6, None, {})
    np.testing.assert_allclose(read.images, np.stack([s["images"] for s in wanted]), atol=0.51e-4)
    for name in ("lesion_label", "structure_map", "background_mask"):
        np.testing.assert_array_equal(getattr(read, name), np.stack([s[name][..., 0] for s in wanted]))
    assert [key[-8:] for key in read.keys] == [f"{int(s['sample_index']):08d}" for s in wanted]


def test_few_samples_are_spread_over_the_whole_set(tmp_path, spool):
    publish(spool, tmp_path / "set", "tfds", 6)
    whole, few = read_samples(tmp_path / "set"), read_samples(tmp_path / "set", most=3)
    assert (len(few), few.total) == (3, 6)
    assert list(few.keys) == [whole.keys[k] for k in (0, 2, 5)]
    np.testing.assert_array_equal(few.images, whole.images[[0, 2, 5]])


def test_a_prepared_dataset_is_all_splits_or_one(tiny_dataset):
    everyone = read_samples(tiny_dataset.name, data_dir=tiny_dataset.data_dir)
    assert {name: len(part) for name, part in everyone.splits.items()} == {"train": 24, "test": 8}
    assert list(everyone.splits["test"].keys) == list(everyone.keys[-8:])
    test = read_samples(f"{tiny_dataset.name}:test", data_dir=tiny_dataset.data_dir)
    assert set(test.patients) == set(tiny_dataset.patients["test"])
    stored = open_slices(**tiny_dataset.where, split="test").examples().as_numpy_iterator()
    np.testing.assert_array_equal(test.images, np.stack([example["images"] for example in stored]))
    assert all(key.startswith(patient) for key, patient in zip(test.keys, test.patients, strict=True))


def test_a_folder_is_cut_in_proportion_with_or_without_labels(tmp_path):
    files = write_patient(tmp_path, "BraTS2021_00007", shape=(31, 40, 40))
    write_patient(tmp_path, "BraTS2021_00008", shape=(31, 40, 40), seed=1)["label"].unlink()
    read = read_samples(tmp_path)
    assert (len(read), read.image_size) == (22, (31, 24))  # 50..104 of 155, 38..221 and 48..191 of 240
    assert (list(read.keys[[0, 21]]), read.lesion_label) == (
        ["BraTS2021_00007_010", "BraTS2021_00008_020"],
        None,
    )
    volume = read_volume(files["T2"]).array.astype(np.float64)
    top = np.percentile(volume[volume > 0], 99.5)
    expected = np.clip(volume[12, 6:37, 8:32] / top, 0, 1)
    np.testing.assert_allclose(read.images[2, ..., 1], expected, atol=1e-5)
    resized = read_samples(tmp_path, size=(16, 16)).images[2, ..., 1]
    whole_head = np.clip(volume[12, 4:36, 4:36] / top, 0, 1)
    np.testing.assert_allclose(
        resized, cv2.resize(whole_head, (16, 16), interpolation=cv2.INTER_AREA), atol=1e-5
    )


def test_what_cannot_be_compared_is_refused(tmp_path, spool):
    write_patient(tmp_path / "in", "BraTS2021_00007", shape=(12, 40, 40))
    write_patient(tmp_path / "in", "BraTS2021_00008", shape=(12, 32, 32))
    with pytest.raises(MedSynthError, match="several sizes"):
        read_samples(tmp_path / "in")
    publish(spool, tmp_path / "set", "mha", 6)
    with pytest.raises(MedSynthError, match="one image size"):
        read_samples(tmp_path / "set", size=(64, 64))
    with pytest.raises(MedSynthError, match="--data-dir"):
        read_samples("brats/slices_96")
    with pytest.raises(MedSynthError, match="no such prepared dataset"):
        read_samples("brats/slices_96", data_dir=tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(MedSynthError, match="must hold patients"):
        read_samples(tmp_path / "empty")


def test_damaged_files_are_named(tmp_path):
    files = write_patient(tmp_path, "BraTS2021_00007", shape=(12, 40, 40))
    rewrite(files["Flair"], np.full((12, 40, 40), np.nan, np.float32))
    with pytest.raises(MedSynthError, match=r"finite.*flair"):
        read_samples(tmp_path).images.any()
    rewrite(files["Flair"], np.zeros((12, 40, 41), np.int16))
    with pytest.raises(MedSynthError, match="share one grid"):
        read_samples(tmp_path)
