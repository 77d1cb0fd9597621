"""A model and the run it was exported from draw the same data set."""

from __future__ import annotations

from pathlib import Path

import pytest

from tf_medsynth.experiments.generate import generate
from tf_medsynth.types import MedSynthError


def files(folder: Path) -> dict[str, bytes]:
    """Everything below a folder but the card, which names the command."""
    found = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert "from tiny" in (card := found.pop("README.md").decode()) or "--run RUN" in card
    return found


@pytest.mark.slow
@pytest.mark.parametrize("filter", [False, True])
def test_the_same_bytes_from_run_and_model(tiny_run, tiny_model, tmp_path, filter):
    settings = {
        "count": 5,
        "seed": 3,
        "filter": filter,
        # Untrained networks pass no gate: what is compared is that all of them are asked.
        "overrides": {"contour.max_mae": 1.0, "registration_px": 1e9, "lesion.whole_threshold": 0.0},
    }
    generate(run=tiny_run, out=tmp_path / "run", **settings)
    generate(model=tiny_model.parent, out=tmp_path / "model", **settings)
    assert files(tmp_path / "run") == files(tmp_path / "model")


def test_samples_have_one_source(tmp_path):
    for source in ({}, {"run": "r", "model": "m"}):
        with pytest.raises(MedSynthError, match="from a run or from a model"):
            generate(**source, count=1, out=tmp_path / "out")
    with pytest.raises(MedSynthError, match="no exported model stands here"):
        generate(model=tmp_path / "m", count=1, out=tmp_path / "out")
