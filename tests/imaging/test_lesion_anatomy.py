"""Codes of a lesion measured by known contrast and place; wrong tables are told, right ones left alone."""

import numpy as np
import pytest

import tf_medsynth
from tests.patients import volumes
from tf_medsynth.imaging.lesion_anatomy import (
    contradiction,
    lesion_anatomy,
    likely_studies,
    plausible,
    pool,
)
from tf_medsynth.imaging.surroundings import unstripped
from tf_medsynth.imaging.volumes import read_volume
from tf_medsynth.types import MedSynthError

BRATS_2017 = {0: 0, 1: 1, 2: 2, 4: 4}
BRATS_2023 = {0: 0, 1: 1, 2: 2, 3: 4}
PED_2024 = {0: 0, 1: 4, 2: 3, 3: 3, 4: 2}
DECATHLON = {0: 0, 1: 2, 2: 3, 3: 4}
TABLES = {"2017": BRATS_2017, "2023": BRATS_2023, "PED": PED_2024, "Decathlon": DECATHLON}
SHAPE = (24, 28, 26)


def _radius() -> np.ndarray:
    axes = np.meshgrid(*(np.arange(n) - n // 2 for n in SHAPE), indexing="ij")
    return np.sqrt(sum(axis.astype(float) ** 2 for axis in axes))


def _patient(core: int, oedema: int, enhancing: int, seed: int = 0, uptake: float = 400):
    """Balls in balls: core in enhancing in oedema, spreads of 50 in every image; T1c has twice T1's scale."""
    radius, rng = _radius(), np.random.default_rng(seed)
    codes = np.zeros(SHAPE, np.uint8)
    for limit, code in ((8, oedema), (5, enhancing), (3, core)):
        codes[radius < limit] = code
    noise = {name: rng.normal(0, 50, SHAPE) for name in ("T1", "T2", "T1c", "Flair")}
    images = {
        "T1": 1000 + noise["T1"],
        "T2": 1000 + noise["T2"] + 200 * (radius < 8) + 100 * (radius < 3),
        "T1c": 2 * (1000 + noise["T1"] + noise["T1c"] + uptake * ((radius < 5) & (radius >= 3))),
        "Flair": 1000 + noise["Flair"] + 250 * (radius < 8),
    }
    return {name: np.where(radius < 11.5, image, 0) for name, image in images.items()}, codes


def test_every_number_is_the_one_put_in():
    found = lesion_anatomy(*_patient(core=1, oedema=2, enhancing=4))
    assert {code: one.voxels for code, one in found.items()} == {
        code: int((_patient(1, 2, 4)[1] == code).sum()) for code in (1, 2, 4)
    }
    # noise of T1 and noise of its own: 50 * sqrt(2) is a spread of T1c, before both are doubled
    assert found[1].uptake == pytest.approx(0, abs=0.4)
    assert found[4].t1c == pytest.approx(400 / (50 * 2**0.5), rel=0.1)
    assert found[4].uptake > 5 and found[4].uptake_share > 0.95
    assert found[2].flair == pytest.approx(250 / 50, rel=0.1)
    assert found[1].t2 == pytest.approx(300 / 50, rel=0.15)
    assert found[1].touches_brain == 0 and found[1].touches == {4: 1.0}
    assert found[2].touches_brain > 0.6
    assert found[4].touches_brain + sum(found[4].touches.values()) == pytest.approx(1)


def test_a_slab_touches_what_can_be_counted():
    codes = np.zeros((5, 6, 6), np.int16)
    codes[2, 1:5, 1:5], codes[3, 1:5, 1:5] = 1, 2
    brain = np.ones(codes.shape)
    brain[4] = 0  # nothing above code 2
    found = lesion_anatomy({"T1": brain}, codes)
    assert found[1].touches_brain == pytest.approx(32 / 48) and found[1].touches == {2: 16 / 48}
    assert found[2].touches_brain == pytest.approx(16 / 32) and found[2].touches == {1: 16 / 32}


@pytest.mark.parametrize(
    ("written", "table", "words"),
    [
        (
            {"core": 3, "oedema": 2, "enhancing": 1},
            BRATS_2023,
            ["code 1", "necrosis, takes contrast", "code 3"],
        ),
        ({"core": 2, "oedema": 4, "enhancing": 1}, BRATS_2023, ["code 1", "takes contrast"]),
        (
            {"core": 2, "oedema": 1, "enhancing": 3},
            BRATS_2023,
            ["code 1", "surrounds code 2", "normal brain"],
        ),
        ({"core": 2, "oedema": 1, "enhancing": 4}, BRATS_2017, ["code 1", "surrounds code 2"]),
        ({"core": 1, "oedema": 2, "enhancing": 4}, {**BRATS_2023, 4: 0}, ["code 4", "no lesion"]),
    ],
)
def test_a_wrong_table_is_told_with_its_evidence(written, table, words):
    text = contradiction(lesion_anatomy(*_patient(**written)), table)
    assert all(word in text for word in words), text
    assert plausible(lesion_anatomy(*_patient(**written)), table) < -0.5


def test_an_enhancing_code_that_takes_nothing_is_told():
    found = lesion_anatomy(*_patient(core=1, oedema=2, enhancing=4, uptake=0))
    assert contradiction(found, BRATS_2017).startswith("code 4, which should be enhancing, takes no contrast")


@pytest.mark.parametrize(
    ("written", "study"),
    [
        ({"core": 1, "oedema": 2, "enhancing": 4}, "2017"),
        ({"core": 1, "oedema": 2, "enhancing": 3}, "2023"),
        ({"core": 2, "oedema": 4, "enhancing": 1}, "PED"),
        ({"core": 2, "oedema": 1, "enhancing": 3}, "Decathlon"),
    ],
)
def test_the_true_table_is_the_likely_one(written, study):
    found = lesion_anatomy(*_patient(**written))
    assert contradiction(found, TABLES[study]) is None
    assert likely_studies(found, TABLES) == [study]


def test_a_cohort_has_the_middle_patient_s_say():
    right = [lesion_anatomy(*_patient(1, 2, 3, seed)) for seed in range(3)]
    wrong = lesion_anatomy(*_patient(3, 2, 1))
    cohort = pool([*right, wrong])
    assert cohort[1].patients == 4 and cohort[1].voxels == 3 * right[0][1].voxels + wrong[1].voxels
    assert contradiction(cohort, BRATS_2023) is None
    assert contradiction(pool([wrong, wrong, right[0]]), BRATS_2023) is not None
    assert pool([]) == {} and pool([{}, right[0]]) == pool([right[0]])


def test_a_copy_of_t1_as_t1c_decides_nothing_about_contrast():
    images, codes = _patient(3, 2, 1)
    found = lesion_anatomy({**images, "T1c": 3 * images["T1"] + 7 * (images["T1"] > 0)}, codes)
    assert np.isnan(found[1].uptake)
    assert contradiction(found, BRATS_2023) is None


@pytest.mark.parametrize("layout", ["brats2017", "brats2023"])
def test_tiny_patients_of_other_tests_contradict_nothing(layout):
    for seed in range(5):
        arrays = volumes(seed, layout=layout)
        found = lesion_anatomy(arrays, arrays.pop("label"))
        assert contradiction(found, BRATS_2023 if layout == "brats2023" else BRATS_2017) is None


@pytest.mark.slow  # the first phantom of a process takes seconds
def test_phantoms_contradict_nothing_and_are_stripped(tmp_path):
    for folder in tf_medsynth.phantom(patients=1, size=48, seed=3, out=tmp_path):
        files = {kind: next(folder.rglob(f"*.MR_{kind}.*.mha")) for kind in ("T1", "T2", "T1c", "Flair")}
        images = {kind: read_volume(path).array for kind, path in files.items()}
        found = lesion_anatomy(images, read_volume(next(folder.rglob("*.OT.*.mha"))).array)
        assert found and contradiction(found, {1: 1, 2: 2, 3: 3, 4: 4}) is None
        assert unstripped(images) is None


def test_few_codes_odd_codes_and_no_brain_are_measured():
    images, codes = _patient(1, 2, 4)
    assert lesion_anatomy(images, 0 * codes) == {}
    assert contradiction({}, BRATS_2017) is None and plausible({}, BRATS_2017) == 0
    mask = lesion_anatomy(images, np.where(codes, 255, 0))
    assert list(mask) == [255] and mask[255].touches_brain == 1 and mask[255].touches == {}
    assert contradiction(mask, BRATS_2017) is None and likely_studies(mask, TABLES) == []
    odd = lesion_anatomy(images, np.where(codes == 4, -9.0, codes))
    assert set(odd) == {-9, 1, 2} and contradiction(odd, BRATS_2017) is None
    everywhere = lesion_anatomy(images, np.ones(SHAPE, np.uint8))
    assert np.isnan(everywhere[1].uptake) and contradiction(everywhere, BRATS_2017) is None
    one = lesion_anatomy(images, (np.arange(codes.size).reshape(SHAPE) == codes.size // 2).astype(np.uint8))
    assert one[1].voxels == 1


def test_what_cannot_be_compared_is_refused():
    images, codes = _patient(1, 2, 4)
    with pytest.raises(MedSynthError, match="share a grid"):
        lesion_anatomy(images, codes[1:])
    with pytest.raises(MedSynthError, match="must be an image"):
        lesion_anatomy({}, codes)
