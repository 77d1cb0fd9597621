"""Fifteen real patients: no false alarm about codes or scalps, and wrong ones are told."""

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from tf_medsynth.config.layouts import STUDIES
from tf_medsynth.imaging.lesion_anatomy import contradiction, lesion_anatomy, likely_studies
from tf_medsynth.imaging.surroundings import surroundings, unstripped

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
from label_codes import as_classes, cases, hit_rates, recoded

WITHOUT_ENHANCING = "BraTS2021_01483"


@pytest.fixture(scope="module")
def patients(real_data):
    """Every second voxel of all."""
    return dict(cases(real_data / "brats", every=2))


@pytest.fixture(scope="module")
def measured(patients):
    return {name: lesion_anatomy(images, codes) for name, (images, codes, _) in patients.items()}


@pytest.fixture(scope="module")
def tables(patients):
    return {name: table for name, (_, _, table) in patients.items()}


@pytest.mark.slow
def test_no_patient_contradicts_its_own_table_at_full_resolution(real_data):
    seen = 0
    for name, (images, codes, table) in cases(real_data / "brats"):
        assert contradiction(lesion_anatomy(images, codes), table) is None, name
        assert unstripped(images) is None, name
        seen += 1
    assert seen == 15


@pytest.mark.slow
def test_wrong_tables_are_told_of_every_patient_and_of_all_together(measured, tables):
    rates = hit_rates(measured, tables)
    own = rates.pop("own table (false alarms)")
    assert own["patients"] == 15 and own["hits"] == 0 and own["pooled"] is None
    assert len(rates) == 7
    for trial, row in rates.items():
        assert row["pooled"] is not None, trial
        # Oedema and core alone fit these tables too
        undecided = "with oedema, read as 2023" in trial or "2015" in trial or "post-treatment" in trial
        assert row["missed"] == ([WITHOUT_ENHANCING] if undecided else []), trial


@pytest.mark.slow
@pytest.mark.parametrize(
    ("study", "codes"),
    [
        ("brats2017", {1: 1, 2: 2, 4: 4}),
        ("brats2023", {1: 1, 2: 2, 4: 3}),
        ("brats_ped2024", {4: 1, 1: 2, 2: 4}),
        ("decathlon", {2: 1, 1: 2, 4: 3}),
    ],
)
def test_the_likeliest_study_is_the_true_one_wherever_something_enhances(measured, tables, study, codes):
    for name, found in as_classes(measured, tables).items():
        likely = likely_studies(recoded(found, codes), STUDIES)
        assert study in likely
        assert likely[0] == study or name == WITHOUT_ENHANCING, name


@pytest.mark.slow
def test_stripped_heads_are_left_alone_and_noise_and_scalp_are_told(patients):
    rng = np.random.default_rng(0)
    for name, (images, _, _) in patients.items():
        assert unstripped(images) is None, name
        assert max(surroundings(image).ring for image in images.values()) < 0.15, name
        brain = (images["T1"] > 0) | (images["T2"] > 0)
        near = ndimage.binary_dilation(brain, iterations=6) & ~ndimage.binary_dilation(brain, iterations=3)
        head = images["T1"] + near * 1.2 * np.percentile(images["T1"][images["T1"] > 0], 90)
        assert surroundings(head).ring > 0.9, name
        for sigma, margin in ((8, 0), (8, 3), (0.4, 0)):
            noise = rng.normal(0, sigma, (2, *head.shape))
            image = np.hypot(head + noise[0], noise[1]).round().astype(np.int16)
            if margin:
                image[:margin] = image[-margin:] = image[:, :margin] = image[..., -margin:] = 0
            assert surroundings(image).air > 0.4, (name, sigma, margin)
            assert "the air around the head is not empty" in unstripped({"T1": image})
