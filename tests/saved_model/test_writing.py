"""An exported version on disk: whole or absent, never overwritten, the same bits without this package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import THREADS
from tf_medsynth.runs.export import export
from tf_medsynth.saved_model import record, writing
from tf_medsynth.saved_model.loading import open_model
from tf_medsynth.saved_model.warm_up import WARM_UP_NAME, example_requests
from tf_medsynth.types import MedSynthError

# The number of threads decides how a sum is cut in parts.
ENVIRONMENT = {**os.environ, "TF_NUM_INTRAOP_THREADS": str(THREADS)}

STRANGER = """
import sys
import numpy as np
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
for rows in ([0], [1, 2, 3], range(8), range(11)):
    made = model.signatures["synthesize_random"](seed=tf.constant([[7, k] for k in rows], tf.int64))
    np.savez(f"{sys.argv[2]}/{len(rows)}.npz", **{name: value.numpy() for name, value in made.items()})
assert not any(name.startswith("tf_medsynth") for name in sys.modules)
"""


def test_files_of_a_version(tiny_model):
    inside = {str(path.relative_to(tiny_model)) for path in tiny_model.rglob("*") if path.is_file()}
    assert {"saved_model.pb", "medsynth.json", "MODEL_CARD.md", "variables/variables.index"} <= inside
    around = {path.name for path in tiny_model.parent.iterdir()}
    assert around == {"1", "README.md", "models.config", "batching.config"}
    held = json.loads((tiny_model / "medsynth.json").read_text())
    assert held["signatures"]["synthesize"]["inputs"]["seed"] == {"dtype": "int64", "shape": [None, 2]}
    assert held["data"]["patients"] == 3 and held["labels"]["count"] > 0
    assert "BraTS2021_00001" not in json.dumps(held)
    card = (tiny_model / "MODEL_CARD.md").read_text()
    assert held["model_hash"] in card and "not evaluated" in card


def test_the_same_bytes_in_a_process_without_this_package(tiny_model, tmp_path):
    command = [sys.executable, "-I", "-c", STRANGER, str(tiny_model), str(tmp_path)]
    subprocess.run(command, check=True, env=ENVIRONMENT, capture_output=True, cwd=tmp_path)
    model = open_model(tiny_model, [])
    here = {
        n: v.numpy() for n, v in model.call("synthesize_random", seed=[[7, k] for k in range(11)]).items()
    }
    for count, rows in ((1, [0]), (3, [1, 2, 3]), (8, range(8)), (11, range(11))):
        with np.load(tmp_path / f"{count}.npz") as made:
            assert made.files
            for name in made.files:
                np.testing.assert_array_equal(made[name], here[name][list(rows)], err_msg=name)


@pytest.mark.slow
def test_the_session_loader_runs_every_signature(tiny_model, tmp_path):
    model = open_model(tiny_model, [])
    requests = example_requests(model.call, model.record.domain)
    assert {"serving_default", *requests} == set(model.record.signatures)
    for signature, inputs in requests.items():
        wanted = {name: value.numpy() for name, value in model.call(signature, **inputs).items()}
        words = ["run", "--dir", str(tiny_model), "--tag_set", "serve", "--signature_def", signature]
        for name, value in inputs.items():
            np.save(tmp_path / f"{name}.npy", value.astype("S") if value.dtype == object else value)
        given = ";".join(f"{name}={tmp_path / f'{name}.npy'}" for name in inputs)
        words += ["--inputs", given]
        command = [sys.executable, "-m", "tensorflow.python.tools.saved_model_cli", *words]
        out = tmp_path / signature
        subprocess.run([*command, "--outdir", str(out)], check=True, env=ENVIRONMENT, capture_output=True)
        for name, value in wanted.items():
            found = np.load(out / f"{name}.npy", allow_pickle=value.dtype == object)
            np.testing.assert_array_equal(found, value, err_msg=f"{signature} {name}")


def test_warm_up_asks_every_signature(tiny_model):
    pytest.importorskip("tensorflow_serving")
    from tensorflow_serving.apis import prediction_log_pb2

    asked = set()
    for line in tf.data.TFRecordDataset(str(tiny_model / WARM_UP_NAME)).as_numpy_iterator():
        request = prediction_log_pb2.PredictionLog.FromString(line).predict_log.request
        assert request.model_spec.name == "tiny"
        asked.add(request.model_spec.signature_name)
    assert {"serving_default", *asked} == set(record.read_record(tiny_model).signatures)


def test_the_next_version_stands_beside_the_first(tiny_run, tiny_model):
    before = {path: path.read_bytes() for path in tiny_model.rglob("*") if path.is_file()}
    again = export(run=tiny_run, to=tiny_model.parent)
    assert again.version == 2 and record.version_folder(tiny_model.parent) == again.path
    assert before == {path: path.read_bytes() for path in tiny_model.rglob("*") if path.is_file()}
    for name in ("medsynth.json", "MODEL_CARD.md"):
        old, new = ((folder / name).read_text() for folder in (tiny_model, again.path))
        assert old == new.replace("version 2", "version 1")


def test_nothing_is_left_of_an_export_that_fails(tiny_run, tmp_path, monkeypatch):
    def disk_full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.card, "model_card", disk_full)
    with pytest.raises(MedSynthError, match=r"have room.*No space left.*export again"):
        export(run=tiny_run, to=tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_mistakes_are_told_before_work(tiny_run, tiny_model, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MedSynthError, match="can be written to"):
        export(run=tiny_run, to=tmp_path / "file")
    with pytest.raises(MedSynthError, match="not a version"):
        export(run=tiny_run, to=tiny_model)
    with pytest.raises(MedSynthError, match="exported from a run directory"):
        export(run=tmp_path / "nowhere", to=tmp_path / "model")
    with pytest.raises(MedSynthError, match="this run has no stage 'multimodal'"):
        export(run=tmp_path, to=tmp_path / "model")
    with (
        record.next_version(tmp_path / "busy"),
        pytest.raises(MedSynthError, match="one process exports"),
        record.next_version(tmp_path / "busy"),
    ):
        pass
    assert not (tmp_path / "model").exists()


def test_an_unfinished_run_is_not_exported(tiny_run, tmp_path):
    shutil.copytree(tiny_run / "multimodal", tmp_path / "run" / "multimodal")
    (tmp_path / "run" / "multimodal" / "finished.json").unlink()
    with pytest.raises(MedSynthError, match=r"not finished|no stage"):
        export(run=tmp_path / "run", to=tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_versions_are_counted_not_sorted_as_words(tmp_path: Path):
    for name in ("2", "10", "notes", ".partial-11"):
        (tmp_path / name).mkdir()
    assert record.versions(tmp_path) == [2, 10]
    with record.next_version(tmp_path) as version:
        assert version == 11
