"""The study of quality: each row beside two real halves, at one number of images."""

import json

import numpy as np
import pytest

from tests import tiny
from tf_medsynth.experiments.study import quality, study
from tf_medsynth.types import MedSynthError


def test_a_set_is_like_itself_and_unlike_noise():
    images = tiny.batch(6)["images"]
    same = quality.compare(images, images[:1].repeat(6, axis=0), None, 0)["mean"]["ms_ssim"]
    twin = quality.compare(images[:1].repeat(6, axis=0), images[:1].repeat(6, axis=0), None, 0)
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


@pytest.mark.slow
def test_real_halves_and_rows_that_are_not_built(tiny_run, tmp_path):
    result = study(
        "quality", rows=["real", "real-lesion", "gan"], run=tiny_run, out=tmp_path / "out", seeds=2
    )
    record = json.loads((tmp_path / "out" / "study.json").read_text())
    assert list(record["rows"]) == ["real", "real-lesion"] and "gan" in record["skipped"]
    assert 0.0 < record["rows"]["real"]["mean"]["ms_ssim"]["estimate"] < 1.0
    assert record["rows"]["real"]["n"] == 8 and "no extractor" in result.render()
    with pytest.raises(MedSynthError, match="data_dir that medsynth generate wrote"):
        study("quality", rows=["run"], run=tiny_run, out=tmp_path / "other")
