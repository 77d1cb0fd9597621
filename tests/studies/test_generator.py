"""Studies of generators: a row of the ablation in miniature, scored sample by sample."""

import json
from pathlib import Path

import pytest

from tests import tiny
from tf_medsynth.runs.published import open_published
from tf_medsynth.studies.study import study
from tf_medsynth.types import MedSynthError

pytestmark = pytest.mark.slow

SMALL = {
    "count": 8,
    **{f"judge.{key}": value for key, value in tiny.OVERRIDES["lesion"].items()},
    **{f"gan.{key}": value for key, value in tiny.OVERRIDES["gan"].items()},
}


def run_study(tiny_run, out, rows, kind="ablation", overrides=None, **options):
    return study(
        kind,
        rows=rows,
        run=tiny_run,
        out=out,
        overrides={**SMALL, **(overrides or {})},
        preset="tiny",
        precision="float32",
        **options,
    )


@pytest.fixture(scope="module")
def finished(tiny_run, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("ablation") / "out"
    run_study(tiny_run, out, ["A", "F-lesion", "D"])
    return out


def test_rows_are_scored_sample_by_sample(finished):
    record = json.loads((finished / "study.json").read_text())
    assert list(record["rows"]) == ["A", "F-lesion", "D"]
    assert len(record["cases"]) == 8 and record["cases_are"] == "samples"
    scores = record["rows"]["F-lesion"]["patients"]["0"]
    names = {"whole_lesion", "contour_mae", "registration_shift_px", "ms_ssim"}
    assert all(names <= set(s) for s in scores.values())


def test_a_baseline_is_scored_by_what_needs_no_label(finished):
    row = json.loads((finished / "study.json").read_text())["rows"]["A"]
    assert set(row["mean"]) == {"registration_shift_px", "ms_ssim"} and len(row["patients"]["0"]) == 8
    table = (finished / "table.md").read_text().splitlines()
    line = next(line for line in table if line.startswith("| A |"))
    assert line.startswith("| A | four plain GANs from noise | – |")
    assert [path.name for path in (finished / "rows" / "row_A_seed_0" / "run").glob("*/")] == ["gan"]


def test_a_row_changes_stage_m_and_leaves_the_others(finished, tiny_run):
    run = finished / "rows" / "row_F-lesion_seed_0" / "run"
    settings, before = (
        json.loads((folder / "multimodal" / "config.json").read_text())["settings"]
        for folder in (run, tiny_run)
    )
    assert before["weights"]["lesion"] > 0.0
    assert settings == {**before, "weights": {**before["weights"], "lesion": 0.0}}
    for stage in ("structure", "lesion", "translation"):
        assert (run / stage / "config.json").read_bytes() == (tiny_run / stage / "config.json").read_bytes()


def test_rows_of_the_same_settings_are_trained_once(finished):
    record = json.loads((finished / "study.json").read_text())
    one, other = (record["rows"][name] for name in ("F-lesion", "D"))
    assert other["as_row"] == "F-lesion" and "as_row" not in one
    assert other["patients"] == one["patients"] and other["mean"] == one["mean"]
    assert not (finished / "rows" / "row_D_seed_0" / "run").exists()
    assert "row D: of the same settings as row F-lesion" in (finished / "table.md").read_text()


def test_another_scheme_trains_its_guides_and_labels_may_lie_anywhere(tiny_run, tmp_path):
    anywhere = {"multimodal.label_place": "anywhere"}
    result = run_study(tiny_run, tmp_path / "out", ["stacked"], "lesion-guidance", anywhere)
    assert len(result.facts["rows"]["stacked"]["patients"]["0"]) == 8
    unit = tmp_path / "out" / "rows" / "row_stacked_seed_0"
    settings = {
        name: json.loads((unit / "run" / name / "config.json").read_text())["settings"]
        for name in ("lesion", "multimodal")
    }
    before = json.loads((tiny_run / "lesion" / "config.json").read_text())["settings"]
    assert settings["lesion"] == {**before, "scheme": "stacked"}
    assert settings["multimodal"]["label_place"] == "anywhere"
    assert open_published(unit / "synthetic").info.metadata["settings"]["label_place"] == "anywhere"


def test_the_judge_saw_none_of_the_generators_patients(finished, tiny_dataset):
    units = list((finished / "rows").glob("*/config.json"))
    for file in units:
        held = json.loads(file.read_text())
        assert held["judge_patients"] == tiny_dataset.patients["test"]
        assert not set(held["judge_patients"]) & set(held["patients"])


def test_a_finished_study_is_only_read(finished, tiny_run):
    before = {file: file.stat().st_mtime_ns for file in (finished / "rows").rglob("*") if file.is_file()}
    result = run_study(tiny_run, finished, ["F-lesion"], resume=True)
    assert result.facts["time"]["wasted_share"] is None
    assert {file: file.stat().st_mtime_ns for file in before} == before


def test_an_unfinished_run_is_refused(tmp_path):
    with pytest.raises(MedSynthError, match="this run has no stage"):
        run_study(tmp_path / "run", tmp_path / "out", ["F"])
