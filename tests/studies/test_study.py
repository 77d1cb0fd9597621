"""`study`: two rows in miniature, gone on with after a kill, and what is refused before any work."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests import tiny
from tf_medsynth.config.domain import Domain, LabelSpec
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.presets import Preset
from tf_medsynth.config.studies import AvailabilitySettings, chosen_rows
from tf_medsynth.data.slices import open_slices
from tf_medsynth.evaluation.segmentation import measure_names
from tf_medsynth.metrics.overlap import pooled_whole_lesion_dice
from tf_medsynth.runs.build import build_stage
from tf_medsynth.runs.generate import generate
from tf_medsynth.runs.published import open_published
from tf_medsynth.studies import availability, downstream
from tf_medsynth.studies.study import study
from tf_medsynth.types import MedSynthError

pytestmark = pytest.mark.slow

SMALL = {f"segmentor.{key}": value for key, value in tiny.OVERRIDES["lesion"].items()}
"""Six steps of four slices, a checkpoint every second."""

ROWS = ["1", "25"]


@pytest.fixture(scope="module")
def synthetic(tiny_run, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("drawn") / "set"
    generate(run=tiny_run, count=24, seed=5, out=out, filter=False)
    return out


def run_study(tiny_run, synthetic, out, rows=ROWS, **options):
    options = {"overrides": SMALL, "precision": "float32", "preset": "tiny", **options}
    return study("availability", rows=rows, run=tiny_run, out=out, synthetic=synthetic, **options)


@pytest.fixture(scope="module")
def finished(tiny_run, synthetic, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("study") / "out"
    run_study(tiny_run, synthetic, out)
    return out


def results(out: Path) -> dict[str, dict]:
    """What each unit found, without what it took."""
    found = {}
    for file in sorted((out / "rows").glob("*/result.json")):
        record = json.loads(file.read_text())
        record.pop("seconds")
        found[file.parent.name] = record
    return found


def test_a_study_leaves_its_record(finished, tiny_dataset):
    record = json.loads((finished / "study.json").read_text())
    assert list(record["rows"]) == ROWS and record["seeds"] == [0]
    assert record["cases"] == tiny_dataset.patients["test"]
    assert record["rows"]["25"]["presentations"] == {"real": 12, "synthetic": 12}
    assert record["rows"]["1"]["presentations"] == {"real": 24}
    verdicts = {v["claim"]: v["verdict"] for v in record["verdicts"]["whole_lesion"]}
    assert verdicts["synthetic first, then real, beats real alone"] == "undecided"  # one seed, one patient
    assert verdicts["half as much synthetic mixed in at random beats real alone"] == "not run"
    time = record["time"]
    spent = time["training"] + time["evaluation"]
    assert 0 < spent < time["wall"] and time["wasted_share"] == pytest.approx(1 - spent / time["wall"])
    assert (finished / "plot.png").read_bytes().startswith(b"\x89PNG")
    table = (finished / "table.md").read_text()
    assert "| 25 | real ×1 + synthetic ×1, synthetic first |" in table and "0.940" in table
    assert "### Further measures" in table and "surface Dice at 2 mm" in table and "mAP@0.5" in table
    (scores,) = record["rows"]["1"]["patients"]["0"].values()
    assert set(scores) == set(measure_names("mm", BRAIN_MRI.label.classes)) and 0.0 <= scores["auc"] <= 1.0


def test_scores_are_those_of_the_trained_segmentor(finished, tiny_dataset):
    """The last checkpoint, read again, finds on the test patient what the record says."""
    folder = finished / "rows" / "row_1_seed_0"
    held = json.loads((folder / "config.json").read_text())
    own = AvailabilitySettings.from_dict(held["settings"])
    stage = build_stage("lesion", Preset(lesion=own.segmentor), tiny.OPERATORS, BRAIN_MRI, (32, 32), 0)
    latest = tf.train.latest_checkpoint(str(folder / "checkpoints"))
    stage.checkpoint().restore(latest).assert_existing_objects_matched()
    slices = list(open_slices(**tiny_dataset.where, split="test").examples().as_numpy_iterator())
    images = np.stack([example["images"] for example in slices])
    label = np.stack([example["lesion_label"][..., 0] for example in slices])
    expected = pooled_whole_lesion_dice(np.asarray(stage.segment(images))[..., 0], label, 5)
    (scores,) = json.loads((folder / "result.json").read_text())["patients"].values()
    assert scores["whole_lesion"] == pytest.approx(expected, abs=1e-6)
    assert scores["whole_lesion_iou"] == pytest.approx(expected / (2 - expected), abs=1e-6)


def test_a_killed_study_goes_on_to_the_same_numbers(finished, tiny_run, synthetic, tmp_path):
    """As a kill leaves it: one unit done, one with a checkpoint in the middle and no result."""
    out = Path(shutil.copytree(finished, tmp_path / "out"))
    whole = results(finished)
    folder = out / "rows" / "row_25_seed_0"
    (folder / "result.json").unlink()
    for file in (folder / "checkpoints").glob("ckpt-6*"):
        file.unlink()
    index = folder / "checkpoints" / "checkpoint"
    index.write_text('model_checkpoint_path: "ckpt-4"\nall_model_checkpoint_paths: "ckpt-4"\n')
    before = (out / "rows" / "row_1_seed_0" / "result.json").stat().st_mtime_ns
    with pytest.raises(MedSynthError, match=r"this study was begun.*--resume"):
        run_study(tiny_run, synthetic, out)
    run_study(tiny_run, synthetic, out, resume=True)
    assert (out / "rows" / "row_1_seed_0" / "result.json").stat().st_mtime_ns == before
    assert results(out) == whole


def test_another_config_is_refused_by_name(finished, tiny_run, synthetic):
    kept = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    changed = {**SMALL, "segmentor.training.steps": 8}
    with pytest.raises(MedSynthError, match=r"another config.*differing=\['settings'\]"):
        run_study(tiny_run, synthetic, finished, resume=True, overrides=changed)
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*")} == kept


def test_too_few_samples_say_how_many_and_how(tiny_run, synthetic, tmp_path):
    with pytest.raises(MedSynthError, match=r"needed=72, held=24.*medsynth generate .* --count 72"):
        run_study(tiny_run, synthetic, tmp_path / "out", rows=["1", "5"])
    with pytest.raises(MedSynthError, match=r"need a synthetic set.*--count 24"):
        run_study(tiny_run, None, tmp_path / "out", rows=["25"])
    assert not (tmp_path / "out" / "rows").exists()


def test_a_set_of_another_model_is_refused(tiny_run, synthetic, tmp_path):
    builder = open_published(synthetic)
    config = availability.trained_on(tiny_run)
    cohort = availability.open_cohort(config)
    with pytest.raises(MedSynthError, match="drawn by the model of --run"):
        downstream.check_synthetic(builder, cohort, "0" * 16, 24, "")


def test_a_patient_in_train_and_test_is_named(tiny_run, tiny_dataset):
    config = availability.trained_on(tiny_run)
    patient = tiny_dataset.patients["test"][0]
    config = {**config, "patients": [*config["patients"], patient]}
    with pytest.raises(MedSynthError, match=f"trained on and tested on.*{patient}"):
        availability.open_cohort(config)


def test_other_label_classes_and_rows_that_are_not_known(tiny_run, tmp_path):
    with pytest.raises(MedSynthError, match=r"synthetic labels have other classes.*'liver'"):
        downstream.check_label(
            Domain("liver", ("CT",), label=LabelSpec("classes", ("background", "liver"))),
            BRAIN_MRI,
            "synthetic",
        )
    with pytest.raises(MedSynthError, match=r"unknown row of availability.*rows=\['26'\]"):
        study("availability", rows=["26"], run=tiny_run, out=tmp_path / "out")


def test_the_same_light_augmentation_is_in_every_row_or_in_none(tiny_run, tmp_path):
    config = {**availability.trained_on(tiny_run), "preset": "brats96"}
    for augment in (False, True):
        request = availability.Request(tiny_run, tmp_path, (0, 1), overrides=SMALL, augment=augment)
        found = [
            availability.row_settings(request, config, row) for row in chosen_rows("availability", ["all"])
        ]
        assert {own.segmentor.training.augment is not None for own in found} == {augment}
        assert len({own.segmentor for own in found}) == 1 and found[0].segmentor.scheme == "stacked"


def test_what_a_row_mixes_is_not_changed_by_hand(tiny_run, tmp_path):
    request = availability.Request(tiny_run, tmp_path, (0, 1), overrides={"mix.real": 0.3})
    with pytest.raises(MedSynthError, match=r"the row says what is mixed.*mix\.real"):
        availability.row_settings(request, {"preset": "tiny"}, chosen_rows("availability", ["1"])[0])


def test_several_segmentors_are_scored_by_their_mean():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 5, (3, 8, 8))
    found = np.stack([label, np.zeros_like(label)], axis=-1)  # one is right, the other finds nothing
    classes, spacing = BRAIN_MRI.label.classes, (1.0, 2.0, 2.0)
    scores = downstream.mean_scores(found, (found > 0).astype(np.float32), label, classes, spacing)
    assert scores["whole_lesion"] == scores["oedema"] == scores["whole_lesion_iou"] == 0.5
    assert scores["legacy_mse"] == pytest.approx((label**2).mean() / 2)
    assert (scores["sensitivity"], scores["specificity"], scores["auc"]) == (0.5, 1.0, 0.75)
    assert scores["hd95_mm"] == 0.0  # of the one that found it
