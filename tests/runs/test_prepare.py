"""The verb `prepare`: whole or not at all, skipped when done, one line when it cannot be."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tests.patients import rewrite, write_patient
from tf_medsynth.config.datasets import BratsSettings
from tf_medsynth.data.slices import open_slices, with_unlabelled
from tf_medsynth.imaging.volumes import read_volume
from tf_medsynth.runs import prepare as module
from tf_medsynth.runs.prepare import PrepareResult, prepare
from tf_medsynth.runtime import Beam
from tf_medsynth.types import MedSynthError

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIG = "brats/slices_64"


@pytest.fixture
def patients(tmp_path) -> Path:
    """Four in train, one in test."""
    for number in (1, 2, 3, 4, 90002):
        write_patient(tmp_path / "in", f"BraTS2021_{number:05d}", seed=number)
    return tmp_path / "in"


def _run(patients: Path, data_dir: Path, **options) -> PrepareResult:
    return prepare(options.pop("dataset", CONFIG), manual_dir=patients, data_dir=data_dir, **options)


def test_a_cohort_is_built_and_then_skipped(patients, tmp_path):
    first = _run(patients, tmp_path / "data")
    assert (first.dataset, first.skipped, first.examples) == (CONFIG, False, {"train": 16, "test": 4})
    assert first.patients["test"] == ["BraTS2021_90002"]
    assert "train: 16 examples of 4 patients" in first.render()
    json.dumps(first.to_dict())
    assert sorted(p.name for p in (tmp_path / "data").iterdir()) == ["brats"]
    stored = {p: p.stat().st_mtime_ns for p in Path(first.directory).iterdir()}
    second = _run(patients, tmp_path / "data")
    assert second.skipped and second.examples == first.examples
    assert second.fingerprint == first.fingerprint
    assert stored == {p: p.stat().st_mtime_ns for p in Path(first.directory).iterdir()}
    builder = tfds.builder_from_directory(first.directory)
    assert (
        builder.info.metadata["settings"]
        == BratsSettings.from_dict(builder.info.metadata["settings"]).to_dict()
    )


def _stored(result: PrepareResult) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(result.directory).iterdir()}


@pytest.mark.parametrize("workers", [None, pytest.param(2, marks=pytest.mark.slow)])
def test_the_workers_of_a_pipeline_prepare_the_same_bytes(patients, tmp_path, monkeypatch, workers):
    pytest.importorskip("apache_beam")
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.chdir(tmp_path)
    beam = Beam(workers=workers)
    shared = _run(Path("in"), tmp_path / "shared", beam=beam)
    alone = _run(patients, tmp_path / "alone")
    assert _stored(shared) == _stored(alone) and len(_stored(alone)) >= 5
    assert sorted(p.name for p in (tmp_path / "shared").iterdir()) == ["brats"]
    assert _run(patients, tmp_path / "shared", beam=beam).skipped


def test_a_damaged_patient_ends_a_pipeline_and_leaves_nothing(patients, tmp_path):
    pytest.importorskip("apache_beam")
    path = patients / "BraTS2021_00003" / "BraTS2021_00003_t2.nii.gz"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(MedSynthError, match=r"^[^\n]*BraTS2021_00003_t2[^\n]*$"):
        _run(patients, tmp_path / "data", beam=Beam())
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file()]


def test_other_files_under_the_same_name_are_refused_until_built_anew(patients, tmp_path):
    first = _run(patients, tmp_path / "data")
    write_patient(patients, "BraTS2021_00009", seed=9)
    with pytest.raises(MedSynthError, match="keeps its settings and files"):
        _run(patients, tmp_path / "data")
    again = _run(patients, tmp_path / "data", resume=False)
    assert again.examples == {"train": 20, "test": 4}
    assert again.directory == first.directory and not again.skipped
    assert not list((tmp_path / "data").rglob("*.replaced-*"))


def test_overrides_make_a_config_of_their_own(patients, tmp_path):
    plain = _run(patients, tmp_path / "data", overrides={"size": "64,64"})
    assert plain.dataset == CONFIG
    small = _run(patients, tmp_path / "data", overrides={"size": "8,8"})
    assert small.dataset.startswith(f"{CONFIG}_") and len(small.dataset) == len(CONFIG) + 9
    named = _run(patients, tmp_path / "data", overrides={"size": "8,8"}, config_name="mine")
    for result in (small, named):
        loaded = tfds.load(result.dataset, split="train", data_dir=str(tmp_path / "data"))
        assert loaded.element_spec["images"].shape == (8, 8, 4)
    with pytest.raises(MedSynthError, match="that of other settings"):
        _run(patients, tmp_path / "data", overrides={"size": "8,8"}, config_name="slices")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dataset": "drive"}, "brats or brats/CONFIG"),
        ({"dataset": "brats/slices_65"}, "unknown config"),
        ({"overrides": {"colour": "red"}}, "unknown setting"),
        ({"overrides": {"test_fraction": "2"}}, "leave some patients"),
        ({"config_name": "../up"}, "letters, digits"),
        ({"splits": "absent.csv"}, "must exist"),
        ({"overrides": {"layout": "absent.toml"}}, "layout file must exist"),
    ],
)
def test_words_that_mean_nothing_are_refused(patients, tmp_path, options, message):
    with pytest.raises(MedSynthError, match=message):
        _run(patients, tmp_path / "data", **options)
    assert not (tmp_path / "data").exists()


def test_damaged_files_and_empty_folders_leave_nothing_behind(patients, tmp_path):
    path = patients / "BraTS2021_00003" / "BraTS2021_00003_t2.nii.gz"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MedSynthError, match=r"whole.*BraTS2021_00003_t2"):
        _run(patients, tmp_path / "data")
    path.unlink()
    with pytest.raises(MedSynthError, match=r"BraTS2021_00003: modality T2 is missing"):
        _run(patients, tmp_path / "data")
    (tmp_path / "empty").mkdir()
    with pytest.raises(MedSynthError, match="must hold patients"):
        _run(tmp_path / "empty", tmp_path / "data")
    with pytest.raises(MedSynthError, match="manual_dir must be a folder"):
        _run(tmp_path / "absent", tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_an_output_that_cannot_be_written_is_named(patients, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for data_dir in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(MedSynthError, match="folder must be one that can be written"):
            _run(patients, data_dir)
    monkeypatch.setattr(module, "LEAST_BYTES_A_VOXEL", 1e12)
    with pytest.raises(MedSynthError, match=r"must have room.*needed_mib"):
        _run(patients, tmp_path / "data")
    assert not (tmp_path / "data").exists()


CHILD = """
import sys, resource, signal
from tf_medsynth.runs.prepare import prepare
from tf_medsynth.types import MedSynthError
if sys.argv[3] != "0":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
try:
    prepare("brats/slices_64", manual_dir=sys.argv[1], data_dir=sys.argv[2])
except MedSynthError as error:
    sys.exit("ONE LINE " + str(error))
"""


def _child(patients: Path, data_dir: Path, largest_file: int = 0) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(patients), str(data_dir), str(largest_file)],
        cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.slow
def test_a_full_disk_is_told_in_one_line_and_leaves_nothing(patients, tmp_path):
    child = _child(patients, tmp_path / "data", largest_file=40_000)
    _, errors = child.communicate()
    assert child.returncode == 1
    last = errors.strip().splitlines()[-1]
    assert last.startswith("ONE LINE the disk must stay writable and have room"), errors
    assert not any(p.is_file() for p in (tmp_path / "data").rglob("*"))


@pytest.mark.slow
def test_a_killed_run_is_not_taken_for_whole_and_the_next_one_tidies_up(patients, tmp_path):
    for number in range(10, 60):
        write_patient(patients, f"BraTS2021_{number:05d}", seed=number, shape=(48, 48, 48))
    data = tmp_path / "data"
    child = _child(patients, data)
    partial = data / ".partial-brats-slices_64"
    deadline = time.monotonic() + 60
    while not list(partial.rglob("incomplete*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert child.poll() is None
    with pytest.raises(MedSynthError, match="one process at a time"):
        _run(patients, data)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    assert partial.exists() and not (data / "brats").exists()
    for number in range(10, 60):
        for path in (patients / f"BraTS2021_{number:05d}").iterdir():
            path.unlink()
    result = _run(patients, data)
    assert not result.skipped and result.examples == {"train": 16, "test": 4}
    assert not partial.exists()


def test_a_remark_is_passed_on(patients, tmp_path, caplog):
    label = patients / "BraTS2021_00002" / "BraTS2021_00002_seg.nii.gz"
    rewrite(label, np.asarray(read_volume(label).array, np.float32), origin=(0.0, 0.0, 0.0))
    with caplog.at_level("INFO", logger="medsynth"):
        result = _run(patients, tmp_path / "data")
    told = [remark for remark in result.remarks if remark.startswith("BraTS2021_00002")]
    assert len(told) == 2 and "voxels align" in told[1] and "float32" in told[0]
    assert all(remark in caplog.text for remark in result.remarks)
    assert _run(patients, tmp_path / "data").remarks == result.remarks


@pytest.mark.parametrize(
    "text",
    ["patient,split\n{0},train\n{1},val\n{2},testing\n", "Split;Patient\ntrain;{0}\n\nvalid;{1}\ntest;{2}\n"],
)
def test_given_splits_are_read_from_csv_and_kept(patients, tmp_path, text):
    names = [f"BraTS2021_{number:05d}" for number in (1, 2, 3)]
    file = tmp_path / "splits.csv"
    file.write_text(text.format(*names))
    left = {"leave_out": "BraTS2021_00004,BraTS2021_90002"}
    result = _run(patients, tmp_path / "data", splits=file, overrides=left)
    assert result.patients == {"train": names[:1], "validation": names[1:2], "test": names[2:]}
    settings = tfds.builder_from_directory(result.directory).info.metadata["settings"]
    assert settings["splits"] == [
        f"{n}={s}" for n, s in zip(names, ("train", "validation", "test"), strict=True)
    ]
    file.write_text("name,part\na,b\n")
    with pytest.raises(MedSynthError, match="columns patient and split"):
        _run(patients, tmp_path / "data", splits=file)
    file.write_text("patient,split\n")
    with pytest.raises(MedSynthError, match="names patients"):
        _run(patients, tmp_path / "data", splits=file)
    file.write_text("patient,split\na,holdout\n")
    with pytest.raises(MedSynthError, match=r"a row of splits.*line=2"):
        _run(patients, tmp_path / "data", splits=file)


def test_patients_without_a_label_are_stored_apart_and_trained_on_where_none_is_needed(patients, tmp_path):
    (patients / "BraTS2021_00002" / "BraTS2021_00002_seg.nii.gz").unlink()
    with pytest.raises(MedSynthError, match=r"BraTS2021_00002: there is no lesion label.*unlabelled=split"):
        _run(patients, tmp_path / "data")
    result = _run(patients, tmp_path / "data", overrides={"unlabelled": "split"})
    assert result.patients["unlabelled"] == ["BraTS2021_00002"] and len(result.patients["train"]) == 3
    split = with_unlabelled(result.dataset, tmp_path / "data", "train")
    source = open_slices(result.dataset, tmp_path / "data", split)
    assert split == "train+unlabelled" and len(source.patients) == 4 and source.count == 16
    assert len(open_slices(result.dataset, tmp_path / "data").patients) == 3
    assert source.fingerprint != open_slices(result.dataset, tmp_path / "data").fingerprint
    assert len(list(source.examples().as_numpy_iterator())) == 16


def test_how_files_were_read_is_kept(patients, tmp_path):
    path = patients / "BraTS2021_00002" / "BraTS2021_00002_t2.nii.gz"
    rewrite(path, read_volume(path).array * np.float32(0.5))
    result = _run(patients, tmp_path / "data")
    record = json.loads((Path(result.directory) / "inputs.json").read_text())["patients"]
    assert (
        set(record["BraTS2021_00002"]["read_as"]["scales"]) == {"T2"}
        and "read_as" not in record["BraTS2021_00001"]
    )
