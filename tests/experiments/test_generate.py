"""What `generate` refuses before it looks at the run."""

import pytest

from tf_medsynth.experiments.generate import generate
from tf_medsynth.types import MedSynthError


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"count": 0}, "count must be at least 1"),
        ({"count": -3}, "count must be at least 1"),
        ({"seed": -1}, r"seed lies in 0 \.\. 2\^32"),
        ({"seed": 2**33}, r"seed lies in 0 \.\. 2\^32"),
        ({"format": "zip"}, "format is one of tfds, nifti, mha"),
        ({"labels": "drawn"}, "labels"),
        ({"overrides": {"colour": "red"}}, "colour"),
        ({"overrides": {"chunk": 0}}, "chunk must be at least 1"),
    ],
)
def test_a_bad_argument_is_told_before_the_run_is_opened(tmp_path, words, message):
    with pytest.raises(MedSynthError, match=message) as caught:
        generate(**{"run": tmp_path / "absent", "count": 1, "out": tmp_path / "out", **words})
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_an_unfinished_generation_is_told_before_the_run_is_opened(tmp_path):
    (tmp_path / ".spool-out").mkdir()
    with pytest.raises(MedSynthError, match=r"unfinished generation.*--resume"):
        generate(run=tmp_path / "absent", count=1, out=tmp_path / "out")


def test_a_run_without_stages_is_told(tmp_path):
    with pytest.raises(MedSynthError, match=r"no stage 'multimodal'.*medsynth train multimodal"):
        generate(run=tmp_path / "absent", count=1, out=tmp_path / "out")
