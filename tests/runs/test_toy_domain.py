"""A data set of one's own, as the page on extending has it: two modalities, three classes, 48 px."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow_datasets as tfds

import tf_medsynth
from tests.tiny import OVERRIDES
from tf_medsynth.runtime.prepared_sets import domain_of, open_prepared

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
(BUILDER,) = re.findall(r"^```python rings/builder\.py\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
STAGES = ("structure", "lesion", "translation", "multimodal")


def test_it_takes_fewer_than_sixty_lines():
    assert len(BUILDER.strip().splitlines()) < 60


@pytest.fixture(scope="module")
def rings(tmp_path_factory) -> dict[str, Any]:
    """What names the prepared set, and its domain."""
    folder = tmp_path_factory.mktemp("rings")
    (folder / "rings").mkdir()
    (folder / "rings" / "__init__.py").write_text("")
    (folder / "rings" / "builder.py").write_text(BUILDER, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, tfds.core.registered.skip_registration():
        patch.syspath_prepend(folder)
        page = importlib.import_module("rings.builder")
        page.Rings(data_dir=folder / "data").download_and_prepare()
    return {"data": "rings", "data_dir": folder / "data", "domain": page.RINGS}


@pytest.mark.slow
def test_it_trains_generates_evaluates_and_exports(rings, tmp_path):
    domain, where = rings["domain"], {"data": rings["data"], "data_dir": rings["data_dir"]}
    run = tmp_path / "run"
    for stage in STAGES:
        tf_medsynth.train(stage, **where, run=run, overrides=dict(OVERRIDES[stage]))
    tf_medsynth.generate(run=run, count=6, out=run / "synthetic", filter=False)
    drawn = open_prepared(run / "synthetic" / "medsynth_synthetic" / "1.0.0")
    assert domain_of(drawn) == domain
    (example, *_) = drawn.as_dataset(split="train").as_numpy_iterator()
    assert example["images"].shape == (48, 48, 2)
    assert set(np.unique(example["lesion_label"])) <= {0, 1, 2}
    measured = tf_medsynth.evaluate(run=run, synthetic=run / "synthetic", metrics=("quality", "diversity"))
    assert set(measured["quality"]["laplacian_ratio"]) == {"near", "far"}
    tf_medsynth.report(run=run, out=tmp_path / "report.html")
    assert "near" in (tmp_path / "report.html").read_text(encoding="utf-8")
    tf_medsynth.export(run=run, to=tmp_path / "models" / "rings")
    tf_medsynth.sample(model=tmp_path / "models" / "rings", seed=1, number=0, out=tmp_path / "one.png")
    assert (tmp_path / "one.png").stat().st_size > 1000
