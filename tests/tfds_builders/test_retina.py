"""The `retina` builder by TFDS's own checks; what its records hold; splits; a folder with mistakes."""

import dataclasses
import shutil
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

import tf_medsynth
from tf_medsynth.config.domains.retina import RETINA
from tf_medsynth.data.slices import open_slices
from tf_medsynth.phantoms.fundus_photograph import photograph
from tf_medsynth.runs.prepare import prepare
from tf_medsynth.runtime.prepared_sets import domain_of
from tf_medsynth.types import MedSynthError
from tfds_builders.retina.cohort import check_pixels, doctor, read_cohort
from tfds_builders.retina.examples import example_of, square_around
from tfds_builders.retina.files import key_of, survey
from tfds_builders.retina.photograph import LEAST_CONTRAST, Photograph, read_photograph, vessel_contrast
from tfds_builders.retina.retina_dataset_builder import Builder, RetinaConfig
from tfds_builders.retina.settings import RetinaSettings

DUMMY = Path(__file__).parents[2] / "tfds_builders" / "retina" / "dummy_data"
TINY = RetinaSettings(side=32)


class TestRetina(tfds.testing.DatasetBuilderTestCase):
    """TFDS's own checks: registered, readable, features as declared, no example in two splits."""

    DATASET_CLASS = Builder
    SPLITS: ClassVar = {"train": 4, "test": 3, "unlabelled": 1}
    BUILDER_CONFIG_NAMES_TO_TEST: ClassVar = [RetinaConfig(name="tiny", settings=TINY)]
    SKIP_CHECKSUMS = True


def test_records_state_their_domain_and_hold_images_labels_and_fields(tmp_path):
    builder = Builder(config=RetinaConfig(name="tiny", settings=TINY), data_dir=str(tmp_path))
    config = tfds.download.DownloadConfig(manual_dir=str(DUMMY), try_download_gcs=False)
    builder.download_and_prepare(download_config=config)
    assert domain_of(builder) == RETINA
    assert (Path(builder.data_dir) / "inputs.json").is_file()
    for example in tfds.as_numpy(builder.as_dataset(split="train")):
        inside = example["field_of_view"] == 1
        assert example["images"].shape == (32, 32, 3) and not example["images"][~inside[..., 0]].any()
        assert set(np.unique(example["lesion_label"][inside])) == {0, 1}
        assert not example["lesion_label"][~inside].any()


def cohort_of(folder, **changes):
    return read_cohort(folder, dataclasses.replace(TINY, **changes), "1.0.0")


def names(cohort):
    return {split: [photo.name for photo in photos] for split, photos in cohort.splits.items()}


def test_names_say_whose_a_file_is():
    stems = ["21_training.tif", "21_manual1.gif", "21_training_mask.gif", "im0001.ah.ppm", "01_dr_mask.tif"]
    assert [key_of(Path(stem)) for stem in stems] == ["21", "21", "21", "im0001", "01_dr"]


def test_splits_by_hash_or_by_folder_and_unlabelled_apart():
    assert names(cohort_of(DUMMY))["test"] == ["01", "07", "im_03"]
    by_folder = names(cohort_of(DUMMY, split_by="folder"))
    assert by_folder["test"] == ["07"] and by_folder["unlabelled"] == ["08"] and "01" in by_folder["train"]
    without = names(cohort_of(DUMMY, leave_out=("08",)))
    assert "unlabelled" not in without
    with pytest.raises(MedSynthError, match="leave_out names images"):
        cohort_of(DUMMY, leave_out=("99",))


def test_fingerprint_follows_settings_and_files(tmp_path):
    shutil.copytree(DUMMY, tmp_path / "copy")
    same, other = cohort_of(tmp_path / "copy"), cohort_of(DUMMY, margin=0.1)
    assert same.fingerprint == cohort_of(DUMMY).fingerprint != other.fingerprint
    shutil.copy(
        DUMMY / "training/1st_manual/01_manual1.gif", tmp_path / "copy/training/1st_manual/04_manual1.gif"
    )
    assert cohort_of(tmp_path / "copy").fingerprint != same.fingerprint


def test_the_square_holds_the_field_with_its_margin_and_may_leave_the_image():
    field = np.zeros((20, 30), bool)
    field[2:18, 4:24] = True  # 16 x 20
    assert square_around(field, 0.0) == (0, 4, 20)
    assert square_around(field, 0.1) == (-2, 2, 24)


def test_a_pixel_is_the_average_of_what_it_covers_of_the_eye():
    photo = read_photograph(survey(DUMMY).photographs[0])
    image = np.full_like(photo.image, 7)
    image[photo.field_of_view] = 100
    flat = dataclasses.replace(photo, image=image)
    images = example_of("01", flat, TINY)["images"]
    assert set(np.unique(images)) == {0, 100}


def mistakes(folder):
    """Codes of what the doctor finds, by image."""
    report = doctor(folder)
    return {p.name: [f.code for f in p.findings] for p in report.patients}, report


def test_a_sound_folder_is_clean():
    found, report = mistakes(DUMMY)
    assert not any(found.values()) and report.exit_status == 0 and len(found) == 8


def test_a_label_that_is_mirrored_or_of_another_eye_does_not_lie_on_dark_lines():
    first, other = (photograph(2, number, 292) for number in (0, 1))
    own = Photograph(first.image, first.label, first.field_of_view)
    assert vessel_contrast(own) > 3 * LEAST_CONTRAST
    for label in (first.label[:, ::-1], other.label):
        assert vessel_contrast(dataclasses.replace(own, label=label)) < LEAST_CONTRAST


def save(pixels, path):
    Image.fromarray(pixels).save(path)


def test_odd_files_are_named(tmp_path):
    shutil.copytree(DUMMY / "training", tmp_path / "training")
    home = tmp_path / "training"
    images, labels, masks = home / "images", home / "1st_manual", home / "mask"
    (masks / "01_training_mask.gif").unlink()
    save(np.zeros((9, 9), np.uint8), labels / "02_manual1.png")
    save(np.arange(70 * 72, dtype=np.uint32).reshape(72, 70).astype(np.uint8), labels / "im_03.ah.png")
    (images / "04_training.tif").write_bytes(b"no image")
    shutil.copy(images / "06_training.tif", images / "09_training.tif")
    shutil.copy(masks / "06_training_mask.gif", masks / "09_training_mask.gif")
    (images / "notes.txt").write_text("")
    found, report = mistakes(tmp_path)
    assert found["01"] == ["missing_mask"] and found["04"] == ["unreadable"]
    assert "label_size" in found["02"] and "label_values" in found["im_03"]
    assert {f.code for f in report.cohort} == {"unread_format", "twin"}
    assert report.exit_status == 2
    with pytest.raises(MedSynthError, match="Image 01: the field of view is missing"):
        check_pixels(cohort_of(tmp_path, test_fraction=0.0))


def test_the_verb_prepares_it_by_its_name(tmp_path):
    where = {"manual_dir": DUMMY, "data_dir": tmp_path}
    first = prepare("retina/slices_128", **where, overrides={"side": "32"}, config_name="tiny")
    assert first.dataset == "retina/tiny" and first.examples == {"train": 4, "test": 3, "unlabelled": 1}
    assert prepare("retina/slices_128", **where, overrides={"side": "32"}, config_name="tiny").skipped
    source = open_slices("retina/tiny", tmp_path)
    example = next(iter(source.examples()))
    assert source.domain == RETINA and float(example["images"].numpy().max()) <= 1.0


def test_the_verb_doctor_knows_it_by_its_name(tmp_path):
    assert tf_medsynth.doctor(DUMMY, dataset="retina").exit_status == 0
    with pytest.raises(MedSynthError, match="Known: brats, retina"):
        tf_medsynth.doctor(DUMMY, dataset="liver")
