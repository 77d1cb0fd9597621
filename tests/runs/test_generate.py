"""What `generate` refuses before it looks at the run; a model draws what the run it came from draws."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tf_medsynth.data.patients import patient_hashes
from tf_medsynth.runs.generate import generate
from tf_medsynth.runtime import Beam
from tf_medsynth.types import MedSynthError

REPOSITORY = Path(__file__).resolve().parents[2]


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


def files(folder: Path) -> dict[str, bytes]:
    """Everything below a folder but the card, which names the command."""
    found = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert "from tiny" in (card := found.pop("README.md").decode()) or "--run RUN" in card
    return found


@pytest.mark.slow
@pytest.mark.parametrize("filter", [False, True])
def test_the_same_bytes_from_run_and_model(tiny_run, tiny_model, tiny_dataset, tmp_path, filter):
    settings = {
        "count": 5,
        "seed": 3,
        "filter": filter,
        # Untrained networks pass no gate: what is compared is that all of them are asked.
        # A model knows no training slice to tell copies from.
        "overrides": {
            "contour.max_mae": 1.0,
            "registration_px": 1e9,
            "lesion.whole_threshold": 0.0,
            "memorisation.false_alarm": 0.0,
        },
    }
    made = generate(run=tiny_run, out=tmp_path / "run", **settings)
    assert made.summary["training"]["patient_hashes"] == patient_hashes(tiny_dataset.patients["train"])
    generate(model=tiny_model.parent, out=tmp_path / "model", **settings)
    assert files(tmp_path / "run") == files(tmp_path / "model")


def test_samples_have_one_source(tmp_path):
    for source in ({}, {"run": "r", "model": "m"}):
        with pytest.raises(MedSynthError, match="from a run or from a model"):
            generate(**source, count=1, out=tmp_path / "out")
    with pytest.raises(MedSynthError, match="no exported model stands here"):
        generate(model=tmp_path / "m", count=1, out=tmp_path / "out")


@pytest.mark.slow
def test_workers_publish_the_bytes_of_one_process(tiny_run, tmp_path, monkeypatch):
    pytest.importorskip("apache_beam")
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    # AMD processors round by the number of threads: the workers get as many as this process has.
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", os.environ["OMP_NUM_THREADS"])
    settings = {"run": tiny_run, "count": 20, "seed": 5, "filter": False}  # three chunks
    alone = generate(out=tmp_path / "alone", **settings)
    shared = generate(out=tmp_path / "shared", beam=Beam(workers=2), **settings)
    assert shared.summary == alone.summary and alone.summary["count"] == 20
    assert files(tmp_path / "alone") == files(tmp_path / "shared")
    assert not list(tmp_path.glob(".spool*"))


def test_a_model_cannot_look_for_copies(tmp_path):
    with pytest.raises(MedSynthError, match=r"only where the training slices are.*Generate from the run"):
        generate(
            model=tmp_path / "m",
            overrides={"memorisation.false_alarm": 0.05},
            count=1,
            out=tmp_path / "out",
        )
