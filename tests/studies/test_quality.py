"""The study of quality: each row beside two real halves, at one number of images."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests import tiny
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.runs.generate import generate
from tf_medsynth.studies import baselines, quality
from tf_medsynth.studies.availability import open_cohort, trained_on
from tf_medsynth.studies.study import study
from tf_medsynth.types import MedSynthError

SMALL = {f"{name}.{key}": value for name in ("gan", "skrgan") for key, value in tiny.OVERRIDES[name].items()}
"""Six steps of four slices; the networks' widths are those of the run's stage M."""


def test_a_set_is_like_itself_and_unlike_noise():
    images = tiny.batch(6)["images"]
    same = quality.compare(images, images[:1].repeat(6, axis=0), None, 0, BRAIN_MRI.modalities)["mean"][
        "ms_ssim"
    ]
    twin = quality.compare(
        images[:1].repeat(6, axis=0), images[:1].repeat(6, axis=0), None, 0, BRAIN_MRI.modalities
    )
    assert twin["mean"]["ms_ssim"] == pytest.approx(1.0, abs=1e-5) and twin["n"] == 6
    assert same < 0.7


def test_crops_keep_the_lesion_and_drop_slices_without():
    images = np.ones((3, 8, 8, 4), np.float32)
    label = np.zeros((3, 8, 8, 1), np.int32)
    label[1, 2:4, 2:4] = 4
    cropped = quality._cropped({"images": images, "lesion_label": label})
    assert cropped["images"].shape == (1, 8, 8, 4) and cropped["images"].sum() == 4 * 4
    with pytest.raises(MedSynthError, match="slices with a lesion"):
        quality._cropped({"images": images[:1], "lesion_label": label[:1]})


def test_a_setting_of_every_baseline_is_one_of_each():
    found = baselines.said_of_each({"baseline.training.steps": 5, "gan.training.steps": 7, "count": 3})
    assert found == {"gan.training.steps": 7, "skrgan.training.steps": 5, "count": 3}


@pytest.mark.slow
def test_halves_are_equal_in_number_and_share_no_patient(tiny_run):
    cohort = open_cohort(trained_on(tiny_run))
    one, other = quality._halves(cohort, 0, 1000)
    assert len(one) == len(other) == 8  # of three patients with eight slices each
    owners = np.array(cohort.owners)
    assert not set(owners[one]) & set(owners[other])
    assert len(quality._halves(cohort, 0, 3)[1]) == 3


@pytest.fixture(scope="module")
def synthetic(tiny_run, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("drawn") / "set"
    generate(run=tiny_run, count=8, seed=5, out=out, filter=False)
    return out


@pytest.fixture(scope="module")
def finished(tiny_run, synthetic, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("quality") / "out"
    rows = ["run", "real", "real-lesion", "gan", "skrgan"]
    study("quality", rows=rows, run=tiny_run, synthetic=synthetic, out=out, preset="tiny", overrides=SMALL)
    return out


@pytest.mark.slow
def test_every_row_has_as_many_images_and_a_claim_is_judged(finished):
    record = json.loads((finished / "study.json").read_text())
    assert {row["n"] for name, row in record["rows"].items() if name != "real-lesion"} == {8}
    assert all(0.0 < row["mean"]["ms_ssim"]["estimate"] < 1.0 for row in record["rows"].values())
    (first, *_) = record["verdicts"]["ms_ssim"]
    assert first["verdict"] == "undecided" and "One seed cannot decide it" in first["words"]  # of one seed
    assert (finished / record["plot"]).read_bytes().startswith(b"\x89PNG")
    table = (finished / "table.md").read_text()
    assert "no extractor" in table and "| gan | a plain GAN a modality, from noise | 8 |" in table
    assert "### Claims, by MS-SSIM with real" in table


@pytest.mark.slow
def test_images_of_a_baseline_are_named_by_seed_and_number(finished, tiny_run):
    folder = finished / "rows" / "row_skrgan_seed_0"
    images = np.load(folder / baselines.IMAGES)
    assert images.shape == (8, 32, 32, 4) and 0.0 <= images.min() < images.max() <= 1.0
    again = np.concatenate(list(baselines._drawn(folder / "run", "skrgan", 3, 0, "quality")))
    np.testing.assert_array_equal(again, images[:3])
    widths = [
        json.loads((run / name / "config.json").read_text())["settings"]["generator"]["base_filters"]
        for run, name in ((folder / "run", "skrgan"), (tiny_run, "multimodal"))
    ]
    assert widths[0] == widths[1]


@pytest.mark.slow
def test_what_does_not_fit_is_refused_before_work(tiny_run, synthetic, tmp_path):
    def run(rows, **options):
        study("quality", rows=rows, run=tiny_run, out=tmp_path / "out", **options)

    with pytest.raises(MedSynthError, match="data_dir that medsynth generate wrote"):
        run(["run"])
    with pytest.raises(MedSynthError, match=r"features, count and those of baselines.*'colour'"):
        run(["gan"], overrides={"colour": "red"})
    with pytest.raises(MedSynthError, match="unknown setting of TrainingSettings"):
        run(["gan"], overrides={"baseline.training.pace": 1})
    with pytest.raises(MedSynthError, match=r"as many images as a real half.*needed=8, held=4.*count=4"):
        few = tmp_path / "few"
        generate(run=tiny_run, count=4, seed=5, out=few, filter=False)
        run(["run"], synthetic=few)
    assert not (tmp_path / "out" / "rows").exists()
