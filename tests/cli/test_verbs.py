"""Verbs end to end in a process of their own, as a program would call them."""

import json
import signal
import subprocess
import sys
import time

import pytest

WITHOUT_TENSORFLOW = """
import sys
import time
sys.modules["tensorflow"] = sys.modules["keras"] = None
from tf_medsynth.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def medsynth(*words):
    """The finished command, run where TensorFlow cannot be imported."""
    command = [sys.executable, "-c", WITHOUT_TENSORFLOW, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "words",
    [
        "prepare brats --manual-dir m --data-dir d",
        "train structure --data brats/slices --data-dir d --run r",
        "generate --run r --count 1 --out o",
        "generate --from m --count 1 --out o",
        "evaluate --run r",
        "evaluate --data brats/slices --data-dir d --train-features f.keras",
        "audit registration d",
        "report --run r --out o.html",
        "pipeline run --out o",
        "export --run r --to m",
        "nnunet --synthetic s --out o",
        "sample --out o.png",
        "gallery --no-browser",
        "demo",
    ],
)
def test_without_tensorflow_one_line_names_the_extras(words):
    done = medsynth(*words.split())
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "pip install 'tf_medsynth[cpu]', or 'tf_medsynth[gpu]'" in done.stderr


def test_doctor_on_nothing_is_unusable(tmp_path):
    done = medsynth("doctor", tmp_path / "absent")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("medsynth doctor: ")


@pytest.mark.slow
def test_phantom_then_doctor_without_tensorflow(tmp_path):
    made = medsynth("phantom", "--patients", 1, "--size", 32, "--seed", 3, "--out", tmp_path, "--json")
    assert made.returncode == 0, made.stderr
    folders = json.loads(made.stdout)["folders"]
    assert len(folders) == 1
    assert made.stdout.count("\n") == 1
    read = medsynth("doctor", tmp_path, "--json")
    report = json.loads(read.stdout)
    assert report["exit_status"] == read.returncode
    assert read.returncode in (0, 1), read.stdout


def test_an_interrupt_is_one_line_and_leaves_nothing(tmp_path):
    code = WITHOUT_TENSORFLOW.replace("sys.exit", "print('ready', flush=True)\nsys.exit")
    words = ["phantom", "--patients", "500", "--size", "64", "--out", str(tmp_path / "out")]
    command = [sys.executable, "-c", code, *words]
    # Tests that a shell starts in the background are deaf to interrupts, and so are their children.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        assert running.stdout.readline() == "ready\n"
        time.sleep(2)
        running.send_signal(signal.SIGINT)
        _, error = running.communicate(timeout=60)
    finally:
        running.kill()
    assert (running.returncode, error) == (130, "medsynth phantom: interrupted.\n")
    assert not list(tmp_path.rglob(".partial-*"))  # whole patients may stay


@pytest.mark.slow
def test_a_mistake_is_one_line_with_tensorflow_too(tmp_path):
    words = ["train", "lesion", "--data", "brats/slices", "--data-dir", tmp_path, "--run", tmp_path / "run"]
    command = [sys.executable, "-m", "tf_medsynth.cli.main", *map(str, words), "--preset", "liver"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("medsynth train: unknown preset. Received: preset='liver'.")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()
