"""A disk without room or rights is told in one line."""

import errno
import os

import pytest

from tf_medsynth.runtime import check_room, check_writable, disk_errors
from tf_medsynth.types import MedSynthError


def test_room_is_looked_for_where_the_folder_will_be(tmp_path):
    check_room(tmp_path / "new" / "folder", 1)
    with pytest.raises(MedSynthError, match=r"must have room.*needed_mib=.*free_mib=.*Fewer") as caught:
        check_room(tmp_path / "new", 2**60, "Fewer patients.")
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())


def test_a_folder_below_a_file_cannot_be_written(tmp_path):
    check_writable(tmp_path / "new")
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(MedSynthError, match="can be written to"):
            check_writable(path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_path_that_is_no_text_is_refused(tmp_path):
    with pytest.raises(MedSynthError, match=r"name in UTF-8.*M\\udcfcnchen"):
        check_writable(tmp_path / os.fsdecode(b"M\xfcnchen") / "run")
    check_writable(tmp_path / "München")


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        RuntimeError("writer failed:\n No space left on device"),
    ],
)
def test_a_disk_that_fills_up_is_one_line_whoever_noticed(tmp_path, error):
    told = pytest.raises(MedSynthError, match=r"have room.*No space left.*All is kept")
    with told as caught, disk_errors(tmp_path, "All is kept."):
        raise error
    assert "\n" not in str(caught.value)


def test_other_errors_pass(tmp_path):
    with pytest.raises(RuntimeError, match="shapes differ"), disk_errors(tmp_path, ""):
        raise RuntimeError("shapes differ")
