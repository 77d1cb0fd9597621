"""Files are whole or absent, whatever happens while they are written."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from tf_medsynth.runtime import atomic_path, json_text, read_json, settle, write_json
from tf_medsynth.types import MedSynthError


def test_a_file_appears_only_at_the_end_and_keeps_its_suffix(tmp_path):
    target = tmp_path / "new" / "volume.nii.gz"
    with atomic_path(target) as partial:
        assert partial.name.endswith(".nii.gz")
        partial.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"
    assert os.listdir(target.parent) == ["volume.nii.gz"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(OSError, match="disk"), atomic_path(target) as partial:
        partial.write_text("half")
        raise OSError("disk is full")
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_two_that_write_one_file_do_not_disturb_each_other(tmp_path):
    target = tmp_path / "chunk.npz"
    with atomic_path(target, shared=True) as slow:
        slow.write_text("whole")
        with atomic_path(target, shared=True) as quick:
            quick.write_text("whole as well")
        assert target.read_text() == "whole as well" and slow.read_text() == "whole"
    assert os.listdir(tmp_path) == ["chunk.npz"] and target.read_text() == "whole"


def test_a_directory_is_written_as_one(tmp_path):
    target = tmp_path / "set"
    target.mkdir()
    with atomic_path(target) as partial:
        (partial / "inner").mkdir(parents=True)
        (partial / "inner" / "a").write_text("1")
    assert (target / "inner" / "a").read_text() == "1"
    assert os.listdir(tmp_path) == ["set"]


def test_a_directory_with_contents_is_only_replaced_on_demand(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "mine").write_text("1")
    with pytest.raises(MedSynthError, match="new or empty"), atomic_path(tmp_path / "set"):
        pytest.fail("the block must not run")
    with atomic_path(tmp_path / "set", overwrite=True) as partial:
        partial.mkdir()
        (partial / "new").write_text("2")
    assert os.listdir(tmp_path / "set") == ["new"]
    assert os.listdir(tmp_path) == ["set"]


def test_a_killed_writer_leaves_no_target_and_the_next_one_cleans_up(tmp_path):
    code = (
        "import os, signal, sys; from tf_medsynth.runtime import atomic_path\n"
        "with atomic_path(sys.argv[1]) as partial:\n"
        "    partial.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    target = tmp_path / "a.txt"
    done = subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert os.listdir(tmp_path) == [".partial-a.txt"]
    with atomic_path(target) as partial:
        partial.write_text("whole")
    assert os.listdir(tmp_path) == ["a.txt"]


def test_json_is_strict_and_plain(tmp_path):
    value = {"n": np.int64(3), "a": np.ones((1, 2), np.float32), "bad": [float("nan"), np.float32("inf")]}
    write_json(tmp_path / "v.json", {**value, "path": tmp_path, 1: {"b", "a"}, "t": (True, None)})
    read = json.loads((tmp_path / "v.json").read_text(), parse_constant=pytest.fail)
    assert read == {
        "n": 3,
        "a": [[1.0, 1.0]],
        "bad": [None, None],
        "path": str(tmp_path),
        "1": ["a", "b"],
        "t": [True, None],
    }
    assert "\n" not in json_text(value)


def test_json_refuses_what_it_does_not_know(tmp_path):
    with pytest.raises(TypeError):
        write_json(tmp_path / "v.json", {"o": object()})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "reason"), [(None, "No such file"), ("", "Expecting value"), ("[1]", "not an object")]
)
def test_a_record_that_cannot_be_read_is_told(tmp_path, text, reason):
    if text is not None:
        (tmp_path / "a.json").write_text(text)
    with pytest.raises(MedSynthError, match=rf"whole JSON.*{reason}.*a\.json.*Write it again"):
        read_json(tmp_path / "a.json", "Write it again.")


def test_a_record_is_read_as_it_was_written(tmp_path):
    write_json(tmp_path / "a.json", {"n": 1.5, "names": ["x"]})
    assert read_json(tmp_path / "a.json", "Write it again.") == {"n": 1.5, "names": ["x"]}


def test_a_file_does_not_take_the_place_of_a_folder(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(MedSynthError, match="cannot take the place of a folder"):
        write_json(tmp_path / "a", {})
    assert os.listdir(tmp_path) == ["a"] and (tmp_path / "a").is_dir()


def test_a_full_disk_is_an_error_of_the_system_that_names_the_file(tmp_path, small_files):
    target = tmp_path / "a.json"
    with small_files(1000), pytest.raises(OSError, match="File too large") as caught:
        write_json(target, list(range(1000)))
    assert caught.value.filename == str(target)
    with pytest.raises(OSError, match="No space left") as caught, atomic_path(target):
        raise RuntimeError("ckpt; No space left on device [Op:SaveV2]")  # as TensorFlow says it
    assert caught.value.filename == str(target) and not os.listdir(tmp_path)


SHARED = (
    "import os, signal, sys; from tf_medsynth.runtime import atomic_path\n"
    "with atomic_path(sys.argv[1], shared=True) as partial:\n"
    "    partial.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
)


def test_what_a_killed_process_left_of_a_shared_file_is_removed_by_the_next(tmp_path):
    target = tmp_path / "a.npy"
    subprocess.run([sys.executable, "-c", SHARED, str(target)], check=False)
    assert len(os.listdir(tmp_path)) == 1
    with atomic_path(target, shared=True) as slow:
        slow.write_text("1")
        with atomic_path(target, shared=True) as quick:
            assert slow.exists()
            quick.write_text("2")
    assert os.listdir(tmp_path) == ["a.npy"]


@pytest.mark.parametrize("stands", [True, False])
def test_an_old_folder_that_stepped_aside_is_put_back_or_removed(tmp_path, stands):
    (tmp_path / ".replaced-set").mkdir()
    (tmp_path / ".replaced-set" / "old").touch()
    if stands:
        (tmp_path / "set").mkdir()
    settle(tmp_path / "set")
    assert os.listdir(tmp_path) == ["set"]
    assert os.listdir(tmp_path / "set") == ([] if stands else ["old"])
