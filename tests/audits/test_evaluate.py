"""An evaluation by groups, of a run and of two data sets; the whole way is in `test_whole_run`."""

import json
import shutil

import keras
import pytest

from tests import tiny
from tf_medsynth.audits.evaluate import evaluate
from tf_medsynth.cli.main import main
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.evaluation import METRICS
from tf_medsynth.evaluation.features import record_file
from tf_medsynth.runs.generate import generate
from tf_medsynth.runs.train import train
from tf_medsynth.types import MedSynthError

FEW = {"registered": 4, "pairs": 12, "neighbours": 3}


@pytest.fixture(scope="module")
def samples(tiny_run):
    out = tiny_run.parent / "samples"
    generate(run=tiny_run, count=9, seed=5, out=out, filter=False)
    return out


@pytest.fixture
def drawn(samples, tmp_path):
    """A copy, into which an evaluation may write."""
    return shutil.copytree(samples, tmp_path / "samples")


@pytest.fixture(scope="module")
def extractor(tmp_path_factory):
    """Six features of all modalities."""
    file = tmp_path_factory.mktemp("extractor") / "six.keras"
    inputs = keras.Input((None, None, 4))
    hidden = keras.layers.Conv2D(6, 3, kernel_initializer=keras.initializers.HeNormal(1))(inputs)
    keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(hidden)).save(file)
    record_file(file).write_text(json.dumps({"input_range": [0, 1]}))
    return file


def test_two_data_sets_without_networks(tiny_dataset, drawn, extractor):
    wanted = ("structure", "quality", "registration", "distribution", "diversity")
    answer = evaluate(
        **tiny_dataset.where, synthetic=drawn, features=extractor, metrics=wanted, overrides=FEW
    )
    assert answer["samples"] == 9
    assert "ssim" not in answer["quality"] and answer["quality"]["laplacian_ratio"].keys() == set(
        BRAIN_MRI.modalities
    )
    found = answer["distribution"]
    assert found["extractor"]["name"] == "six.keras" and len(found["extractor"]["sha256"]) == 64
    assert found["all_patients"]["all"]["patients"] == 4 and found["all_patients"]["all"]["n"] == 9
    assert "test_patients" not in found  # there is one only
    assert answer["diversity"]["synthetic"]["pairs"] == 12
    assert json.loads((drawn / "evaluation.json").read_text()).keys() == answer.keys()
    assert "real half to real half" in answer.render()


def test_later_groups_join_earlier_ones_of_the_same_sets_only(tiny_dataset, drawn):
    first = evaluate(**tiny_dataset.where, synthetic=drawn, metrics=["diversity"], overrides=FEW)
    second = evaluate(**tiny_dataset.where, synthetic=drawn, metrics=["registration"], overrides=FEW)
    assert second["diversity"] == first["diversity"] and "registration" in second
    other = evaluate(**tiny_dataset.where, synthetic=drawn, metrics=["diversity"], seed=1, overrides=FEW)
    assert "registration" not in other


@pytest.mark.slow
def test_a_run_with_a_chosen_group(tiny_run, samples, capsys):
    words = [
        "evaluate",
        "--run",
        str(tiny_run),
        "--synthetic",
        str(samples),
        "--metrics",
        "quality",
        "--json",
    ]
    assert main(words) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["quality"].keys() >= {"ssim", "ssim_inside", "psnr", "psnr_inside", "mae", "mae_inside"}
    (tiny_run / "evaluation.json").unlink()


@pytest.mark.slow
def test_a_judge_of_the_training_patients_reads_another_set(tiny_dataset, drawn, tmp_path):
    small = {**tiny.OVERRIDES["lesion"], "scheme": "stacked"}
    train("lesion", **tiny_dataset.where, run=tmp_path, seed=4, precision="float32", overrides=small)
    judge = tmp_path / "lesion"
    answer = evaluate(**tiny_dataset.where, synthetic=drawn, judge=judge, metrics=["lesion"])
    assert answer["lesion"].keys() == {"real", "synthetic"}
    assert answer["lesion"]["synthetic"]["slices"]["with_lesion"] <= 9
    rendered = answer.render()
    assert all(
        f"| {row} | " in rendered for row in ("HD95, px", "AUC, pixels", "boxes: mean IoU", "code MSE")
    )
    config = json.loads((judge / "config.json").read_text())
    for known in (tiny_dataset.patients["test"], [n.upper() for n in tiny_dataset.patients["test"]]):
        told = {**config, "patients": [*config["patients"], *known]}  # the same person by another name
        (judge / "config.json").write_text(json.dumps(told))
        with pytest.raises(MedSynthError, match="may not know the test patients"):
            evaluate(**tiny_dataset.where, synthetic=drawn, judge=judge, metrics=["lesion"])


def test_what_is_missing_is_told_before_any_work(tiny_dataset, tiny_run, drawn, extractor, tmp_path):
    here = {**tiny_dataset.where, "synthetic": drawn}
    for arguments, rule in (
        ({**here, "metrics": ["sparkle"]}, "unknown metrics"),
        ({**here, "metrics": []}, "unknown metrics"),
        ({**here, "metrics": ["lesion"]}, r"needs --judge.*medsynth train lesion --data .* scheme=stacked, "),
        ({"run": tiny_run, "metrics": ["lesion"]}, r"needs --judge.*medsynth audit lesion .*/unfiltered"),
        ({**here, "metrics": ["distribution"]}, r"needs --features.*--train-features"),
        ({**here, "features": tmp_path / "no.keras"}, r"local \.keras or \.h5 file"),
        ({**here, "run": tiny_run}, "of a run, or data"),
        ({**tiny_dataset.where}, "--synthetic DIR"),
        ({"run": tiny_run}, "unfiltered samples.*medsynth generate"),
        ({"run": tiny_run, "synthetic": drawn, "overrides": {"data.normalisation": "minmax"}}, "of its own"),
        ({**here, "synthetic": tmp_path}, "data_dir that medsynth generate wrote"),
        ({**here, "overrides": {"pairs": 0}}, "pairs must be"),
    ):
        with pytest.raises(MedSynthError, match=rule):
            evaluate(**arguments)
    assert not (drawn / "evaluation.json").exists()


def test_the_judge_of_a_run_is_of_the_next_fold(tiny_run, tmp_path):
    (tmp_path / "lesion").mkdir()
    config = json.loads((tiny_run / "lesion" / "config.json").read_text())
    config["settings"] |= {"folds": 2, "fold": 1}
    (tmp_path / "lesion" / "config.json").write_text(json.dumps(config))
    command = rf"--data {config['data']} .* --seed {config['seed'] + 1} --set scheme=stacked folds=2 fold=0"
    with pytest.raises(MedSynthError, match=command):
        evaluate(run=tmp_path, metrics=["lesion"])


def test_an_extractor_of_other_channels_is_told(tiny_dataset, drawn, tmp_path):
    inputs = keras.Input((None, None, 5))
    keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs)).save(tmp_path / "five.keras")
    with pytest.raises(MedSynthError, match="1 channel, 3"):
        evaluate(
            **tiny_dataset.where, synthetic=drawn, features=tmp_path / "five.keras", feature_range=(0, 1)
        )


def test_groups_are_those_of_the_command_line():
    from tf_medsynth.audits.metric_groups import GROUPS

    assert tuple(GROUPS) == METRICS
