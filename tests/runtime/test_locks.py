"""One process at a time in a folder, whoever died in it."""

import os
import signal
import subprocess
import sys

import pytest

from tf_medsynth.runtime import alone, forget_dead
from tf_medsynth.types import MedSynthError

RULE = "one process at a time paints"
DIES = (
    "import os, signal, sys; from tf_medsynth.runtime import alone\n"
    "with alone(sys.argv[1], 'alone'):\n"
    "    os.kill(os.getpid(), signal.SIGKILL)"
)


def test_the_second_is_refused_and_nothing_stays(tmp_path):
    folder = tmp_path / "new" / "set"
    with alone(folder, RULE):
        told = pytest.raises(MedSynthError, match=r"paints\. Received: folder=.*in use\. Wait")
        with told as caught, alone(folder, RULE):
            pytest.fail("two are in")
        assert "\n" not in str(caught.value) and folder.is_dir()
    assert not list(tmp_path.iterdir())


def test_what_is_written_stays(tmp_path):
    with alone(tmp_path / "set", RULE):
        (tmp_path / "set" / "a").touch()
    assert os.listdir(tmp_path / "set") == ["a"]


def test_the_lock_of_a_dead_process_is_taken_over(tmp_path):
    done = subprocess.run([sys.executable, "-c", DIES, str(tmp_path / "set")], check=False)
    assert done.returncode == -signal.SIGKILL and os.listdir(tmp_path / "set") == [".lock"]
    with alone(tmp_path / "set", RULE):
        pass
    assert not os.listdir(tmp_path / "set")
    (tmp_path / "set" / ".lock").touch()
    forget_dead(tmp_path / "set")
    assert not os.listdir(tmp_path / "set")


def test_the_folder_itself_may_go(tmp_path):
    with alone(tmp_path / "set", RULE):
        (tmp_path / "set" / ".lock").unlink()
        (tmp_path / "set").rmdir()
    assert not list(tmp_path.iterdir())
