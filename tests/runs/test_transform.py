import json

import pytest

from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.runs.transform import structure_transform, transform_overrides
from tf_medsynth.types import MedSynthError


def test_operators_are_settled_and_recognised(tiny_dataset, tmp_path):
    made = structure_transform(**tiny_dataset.where, out=tmp_path)
    held = json.loads(made.file.read_text())
    assert held["image_size"] == [32, 32] and 0 < held["line_share"] < 1 and 0 <= held["closed_outlines"] <= 1
    assert transform_overrides(made.file) == {"operators": BRAIN_MRI.operators_at(32, 32)}
    again = structure_transform(**tiny_dataset.where, out=tmp_path)
    assert again.skipped and again.fingerprint == made.fingerprint
    other = structure_transform(
        **tiny_dataset.where, out=tmp_path, overrides={"data.normalisation": "minmax"}
    )
    assert not other.skipped and other.fingerprint != made.fingerprint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "whole JSON"),
        ('{"fingerprint": "1", "operators": {"colour": 1}}', "unknown setting of OperatorConfig"),
    ],
)
def test_an_unreadable_transform_is_told(tmp_path, text, message):
    (tmp_path / "transform.json").write_text(text)
    with pytest.raises(MedSynthError, match=message):
        transform_overrides(tmp_path / "transform.json")
