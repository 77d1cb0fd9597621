"""The description of a data set is judged before TFDS imports what it names, or opens the files it names."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tf_medsynth.data.slices import open_slices
from tf_medsynth.runtime.prepared_sets import check_prepared, open_prepared
from tf_medsynth.types import MedSynthError

IMPORTED = "the module was imported"


@pytest.fixture
def folder(tiny_dataset, tmp_path) -> Path:
    """A copy that a test may spoil."""
    shutil.copytree(tiny_dataset.data_dir, tmp_path / "data")
    return tmp_path / "data" / tiny_dataset.name / "1.0.0"


@pytest.fixture
def hostile(tmp_path, monkeypatch) -> str:
    """The name of a class in a module that fails once it is imported."""
    (tmp_path / "hostile_features.py").write_text(f"raise SystemExit({IMPORTED!r})")
    monkeypatch.syspath_prepend(tmp_path)
    return "hostile_features.Tensor"


def spoilt(folder: Path, change, name: str = "features.json") -> None:
    file = folder / name
    held = json.loads(file.read_text())
    change(held)
    file.write_text(json.dumps(held))


def refused(folder: Path, words: str) -> None:
    for opens in (check_prepared, open_prepared):
        with pytest.raises(MedSynthError, match=words) as error:
            opens(folder)
        assert "\n" not in str(error.value)


def inner(held) -> dict:
    return held["featuresDict"]["features"]["images"]


def test_a_set_as_it_was_prepared_is_opened(folder):
    assert open_prepared(folder).info.features["images"].shape == (32, 32, 4)


@pytest.mark.parametrize(
    "change",
    [
        lambda held, name: held.update(pythonClassName=name),
        lambda held, name: inner(held).update(pythonClassName=name),
        lambda held, name: inner(held).update(python_class_name=name),
        lambda held, name: inner(held).update(type=name, content={}),
        lambda held, name: inner(held).update(
            jsonFeature={"json": json.dumps({"feature": {"type": name, "content": "{}"}})}
        ),
        lambda held, _: inner(held).update(pythonClassName=7),
    ],
    ids=["outermost", "inner", "other spelling", "older form", "JSON within", "no name"],
)
def test_a_class_that_is_not_of_tfds_is_refused_and_not_imported(folder, hostile, change):
    spoilt(folder, lambda held: change(held, hostile))
    refused(folder, "features of a data set must be those of TFDS")


def test_nor_is_one_imported_that_the_other_file_names(folder, hostile):
    spoilt(folder, lambda held: held.update(features={"pythonClassName": hostile}), "dataset_info.json")
    refused(folder, "features of a data set must be those of TFDS")


def test_every_reader_goes_through_the_door(folder, tiny_dataset, hostile):
    spoilt(folder, lambda held: held.update(pythonClassName=hostile))
    with pytest.raises(MedSynthError, match="must be those of TFDS"):
        open_slices(tiny_dataset.name, folder.parents[2])


@pytest.mark.parametrize("key", ["name", "version", "configName"])
def test_names_are_no_paths(folder, key):
    spoilt(folder, lambda held: held.update({key: "../other"}), "dataset_info.json")
    refused(folder, f"{key} in the description of a data set must be a name, no path")


@pytest.mark.parametrize(
    "template", ["../{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}", "/etc/passwd", "..", 5, "a\\b"]
)
def test_files_lie_in_the_folder(folder, template):
    spoilt(folder, lambda held: held["splits"][0].update(filepathTemplate=template), "dataset_info.json")
    refused(folder, "filepathTemplate in the description of a data set must be a name, no path")


def test_the_name_of_a_feature_is_no_path(folder):
    features = lambda held: held["featuresDict"]["features"]  # noqa: E731
    spoilt(folder, lambda held: features(held).update({"../labels": features(held)["images"]}))
    refused(folder, "names of features must be no paths")


@pytest.mark.parametrize("name", ["features.json", "dataset_info.json"])
@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '"text"', b"\xff"])
def test_a_damaged_description_is_told(folder, name, text):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    refused(folder, "must be a whole JSON object")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("dataset_info.json", {"splits": 3}),
        ("dataset_info.json", {"splits": [3]}),
        ("dataset_info.json", {"version": "one"}),
        ("dataset_info.json", {"fileFormat": "tea"}),
        ("features.json", {"featuresDict": {"features": 3}}),
        ("features.json", {"surprise": 1}),
    ],
    ids=str,
)
def test_another_type_is_told(folder, name, change):
    spoilt(folder, lambda held: held.update(change), name)
    with pytest.raises(MedSynthError, match=r"data ?set must be") as error:
        open_prepared(folder)
    assert "\n" not in str(error.value)
