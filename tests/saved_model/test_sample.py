"""A patient on the screen."""

from __future__ import annotations

import sys

import pytest
from PIL import Image

from tf_medsynth.saved_model.finding import saved_models
from tf_medsynth.saved_model.sample import sample
from tf_medsynth.types import MedSynthError


def test_a_seed_names_a_picture(tiny_model, tmp_path):
    one = sample(model=tiny_model, seed=3, out=tmp_path / "one.png")
    again = sample(model=tiny_model.parent, seed=3, out=tmp_path / "again.png")
    sample(model=tiny_model, seed=4, out=tmp_path / "other.png")
    pictures = [(tmp_path / f"{name}.png").read_bytes() for name in ("one", "again", "other")]
    assert pictures[0] == pictures[1] != pictures[2]
    assert one.model_hash == again.model_hash and "seed 3" in one.render()
    with Image.open(tmp_path / "one.png") as picture:
        width, height = picture.size
    assert width > 7 * 100 and height > 100


def test_mistakes_are_told(tmp_path):
    with pytest.raises(MedSynthError, match=r"--out is a \.png file, or a \.zip"):
        sample(out=tmp_path / "sample.jpg")
    with pytest.raises(MedSynthError, match="seed must not be negative"):
        sample(seed=-1, out=tmp_path / "sample.png")
    assert saved_models().name == "saved_models" and "tensorflow" in sys.modules
