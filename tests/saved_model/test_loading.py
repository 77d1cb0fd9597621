"""Models that cannot be used are told apart in one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tf_medsynth.saved_model.loading import open_model
from tf_medsynth.saved_model.record import RECORD_NAME
from tf_medsynth.types import MedSynthError


@pytest.fixture
def copy(tiny_model, tmp_path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(tiny_model, tmp_path / "1"))


def refused(model: Path, words: str, needed=()) -> None:
    with pytest.raises(MedSynthError, match=words) as error:
        open_model(model, needed)
    assert "\n" not in str(error.value)


def test_no_model(tmp_path):
    refused(tmp_path, "no exported model stands here")
    refused(tmp_path / "nowhere", "no exported model stands here")


def test_another_format(copy):
    held = json.loads((copy / RECORD_NAME).read_text())
    (copy / RECORD_NAME).write_text(json.dumps({**held, "format": 99}))
    refused(copy, "reads models of format 1. Received: format=99")


def test_a_record_without_a_domain(copy):
    held = json.loads((copy / RECORD_NAME).read_text())
    del held["domain"]
    (copy / RECORD_NAME).write_text(json.dumps(held))
    refused(copy, "states the domain of its data.*Export it again")


@pytest.mark.parametrize("text", ["", "[]", None])
def test_no_record(copy, text):
    (copy / RECORD_NAME).unlink() if text is None else (copy / RECORD_NAME).write_text(text)
    refused(copy, RECORD_NAME)


@pytest.mark.parametrize("name", ["saved_model.pb", "variables/variables.index"])
def test_a_damaged_file(copy, name):
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content[: len(content) // 2])
    refused(copy, "a SavedModel must be whole")


def test_a_missing_signature(copy):
    refused(copy, "lacks a signature. Received: signature='fly'", ["synthesize", "fly"])


def test_a_folder_of_versions_stands_for_its_newest(copy):
    assert open_model(copy.parent, ["synthesize"]).folder == copy
