"""Folders as they are: pipes with a volume's name, names that are no text, deep folders, damaged twins."""

import gzip
import os
import sys

import pytest

from tests.cohorts.test_survey import patient, touch
from tf_medsynth.cohorts.files import find_files
from tf_medsynth.cohorts.survey import survey
from tf_medsynth.types import MedSynthError


def test_what_is_no_file_is_told_by_name(tmp_path):
    home = patient(tmp_path, "brats2021")
    t1 = home / "BraTS2021_00495_t1.nii.gz"
    t1.unlink()
    os.mkfifo(t1)
    (home / "x_t2.mha").symlink_to("/nowhere")
    found = survey(tmp_path)
    assert [(p.patient, p.code) for p in found.problems] == [("BraTS2021_00495", "missing_modality")]
    (remark,) = found.remarks
    assert remark.code == "no_file" and t1.name in remark.message and "x_t2.mha" in remark.message


def test_names_that_are_no_text_are_told_once_and_stop_no_other(tmp_path):
    patient(tmp_path, "brats2021")
    patient(tmp_path, "brats2020", folder=os.fsdecode(b"M\xfcnchen/HGG"))
    touch(tmp_path / os.fsdecode(b"caf\xe9.txt"))
    found = survey(tmp_path)
    assert [p.name for p in found.patients] == ["BraTS2021_00495"]
    (problem,) = found.problems
    assert (problem.patient, problem.code) == (r"M\xfcnchen", "name_encoding")
    assert problem.message.isascii() and "convmv" in problem.message
    with pytest.raises(MedSynthError, match=r"text in UTF-8.*M.*nchen"):
        survey(tmp_path / os.fsdecode(b"M\xfcnchen"))


def test_folders_in_folders_need_no_room_on_the_stack(tmp_path):
    patient(tmp_path, "brats2021", folder="/".join("d" * 60))
    limit = sys.getrecursionlimit()
    frame, used = sys._getframe(), 0
    while frame := frame.f_back:  # type: ignore[assignment]
        used += 1
    sys.setrecursionlimit(used + 60)
    try:
        assert len(find_files(tmp_path).volumes) == 5
    finally:
        sys.setrecursionlimit(limit)


def test_a_twin_that_is_damaged_is_no_twin(tmp_path):
    home = patient(tmp_path, "brats2021")
    content = bytes(range(256)) * 200
    packed = bytearray(gzip.compress(content))
    packed[len(packed) // 2] ^= 0x55
    (home / "BraTS2021_00495_t1.nii.gz").write_bytes(packed)
    touch(home / "BraTS2021_00495_t1.nii", content)
    assert [problem.code for problem in survey(tmp_path).problems] == ["doubled"]
