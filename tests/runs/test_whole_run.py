"""A run of all stages, from trained networks to data set, evaluation and report."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tests import tiny
from tf_medsynth.audits.evaluate import evaluate
from tf_medsynth.cli.main import main
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.families import STAGES
from tf_medsynth.runs.generate import generate
from tf_medsynth.runs.report import report
from tf_medsynth.runs.train import train
from tf_medsynth.types import MedSynthError

pytestmark = pytest.mark.slow

CHANGES = {
    "structure": {"training.steps": 120, "training.log_every": 60, "training.checkpoint_every": 60},
    "lesion": {"folds": 2, "fold": 0},
}
"""Stage S draws something with an inside; the guides leave a patient to the judge."""

JUDGE = {"folds": 2, "fold": 1, "scheme": "stacked"}


def run_stage(stage: str, dataset, run: Path, seed: int, changes=None) -> None:
    overrides = {**tiny.OVERRIDES[stage], **(changes or {})}
    train(stage, **dataset.where, run=run, seed=seed, precision="float32", overrides=overrides)


@pytest.fixture(scope="module")
def run(tiny_dataset, tmp_path_factory) -> Path:
    """All stages after a few steps."""
    run = tmp_path_factory.mktemp("whole") / "run"
    for stage in STAGES:
        run_stage(stage, tiny_dataset, run, 3, CHANGES.get(stage))
    return run


@pytest.fixture(scope="module")
def judge(tiny_dataset, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("judge")
    run_stage("lesion", tiny_dataset, folder, 4, JUDGE)
    return folder / "lesion"


@pytest.fixture(scope="module")
def unfiltered(run) -> Path:
    out = run.parent / "unfiltered"
    result = generate(run=run, count=11, seed=5, out=out, filter=False)
    assert result.summary["count"] == 11
    return out


def samples(data_dir: Path) -> dict[int, dict[str, np.ndarray]]:
    builder = tfds.builder_from_directory(next((data_dir / "medsynth_synthetic").glob("*/")))
    return {int(e["sample_index"]): e for e in builder.as_dataset(split="train").as_numpy_iterator()}


def test_a_sample_depends_on_model_seed_and_number_alone(run, unfiltered, tmp_path):
    """11 samples, 3 of the same seed, and 3 of another."""
    eleven = samples(unfiltered)
    generate(run=run, count=3, seed=5, out=tmp_path / "three", filter=False)
    generate(run=run, count=3, seed=6, out=tmp_path / "other", filter=False)
    three, other = samples(tmp_path / "three"), samples(tmp_path / "other")
    assert len(eleven) == 11 and len(three) == 3
    for k, sample in three.items():
        np.testing.assert_equal(sample, eleven[k])
        assert k not in other or not np.array_equal(sample["images"], other[k]["images"])


def test_a_sample_does_not_depend_on_how_many_are_computed_together(run, unfiltered, tmp_path):
    generate(run=run, count=4, seed=5, out=tmp_path / "threes", filter=False, overrides={"chunk": 3})
    together = samples(unfiltered)
    for k, sample in samples(tmp_path / "threes").items():
        np.testing.assert_equal(sample, together[k])


def test_a_finished_data_set_is_not_made_again(run, unfiltered):
    files = {path: path.stat().st_mtime_ns for path in unfiltered.rglob("*")}
    again = generate(run=run, count=11, seed=5, out=unfiltered, filter=False)
    assert again.skipped and again.summary["count"] == 11
    with pytest.raises(MedSynthError, match="holds another generated set"):
        generate(run=run, count=11, seed=6, out=unfiltered, filter=False)
    assert {path: path.stat().st_mtime_ns for path in unfiltered.rglob("*")} == files


def test_gates_that_nothing_passes_say_which(run, tmp_path):
    """Six steps make no patient: the error names the gate, and what to do."""
    with pytest.raises(MedSynthError, match=r"acceptance too low: 0 of .* Remedy: "):
        generate(
            run=run, count=1, out=tmp_path / "out", overrides={"max_candidates_per_sample": 8, "chunk": 8}
        )
    assert not (tmp_path / "out").exists()


def test_evaluation_stands_beside_real_patients(run, unfiltered, judge, tiny_dataset):
    answer = evaluate(run=run, synthetic=unfiltered, judge=judge, seed=1)
    assert json.loads((run / "evaluation.json").read_text()).keys() == answer.keys()
    assert answer["samples"] == 11
    assert answer["quality"]["laplacian_ratio"].keys() == set(BRAIN_MRI.modalities)
    assert 0.0 <= answer["structure"]["contour_pass_rate"]["generated"] <= 1.0
    assert answer["lesion"]["real"]["whole_lesion"]["by_patient"].keys() == set(tiny_dataset.patients["test"])
    assert 0.0 <= answer["realism"]["auc"] <= 1.0


def test_a_judge_that_shares_patients_or_seed_is_refused(run, unfiltered, tiny_dataset, tmp_path):
    run_stage("lesion", tiny_dataset, tmp_path, 4, {**JUDGE, "fold": 0})
    with pytest.raises(MedSynthError, match="neither patients nor seed"):
        evaluate(run=run, synthetic=unfiltered, judge=tmp_path / "lesion")


def test_the_report_is_one_page_with_pictures(run, unfiltered):
    page = report(run=run, out=run.parent / "report.html")
    text = page.out.read_text(encoding="utf-8")
    assert text.count("<img") >= 2 and text.count("alt=") >= text.count("<img")
    assert "http://" not in text.replace("http://www.w3.org", "") and 'src="data:' in text


def test_the_verbs_answer_in_json(run, unfiltered, tiny_dataset, capsys):
    """Standard output holds one object and nothing else, of a step that is done and of one that is not."""
    settings = [f"{key}={value}" for key, value in tiny.OVERRIDES["translation"].items()]
    where = ["--data", tiny_dataset.name, "--data-dir", str(tiny_dataset.data_dir), "--run", str(run)]
    trained = ["train", "translation", *where, "--seed", "3", "--precision", "float32", "--set", *settings]
    made = ["generate", "--run", str(run), "--count", "11", "--seed", "5", "--no-filter"]
    page = ["report", "--run", str(run), "--out", str(run.parent / "again.html")]
    answers = []
    for words in (trained, [*made, "--out", str(unfiltered)], page):
        assert main([*words, "--json"]) == 0
        answers.append(json.loads(capsys.readouterr().out))
    assert answers[0]["skipped"] and answers[1]["skipped"]
    assert answers[1]["count"] == 11 and answers[2]["out"].endswith("again.html")
