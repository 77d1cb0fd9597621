"""The command as a user meets it: help, output, errors, exit status."""

import argparse
import errno
import json
import os
import signal
import subprocess
import sys

import pytest

import tf_medsynth
from tf_medsynth.cli import options
from tf_medsynth.cli.main import VERBS, as_dict, build_parser, main, one_line
from tf_medsynth.runtime import Beam, json_text
from tf_medsynth.types import MedSynthError

HEAVY = {"tensorflow", "kfp", "keras", "numpy", "cv2", "SimpleITK", "tensorflow_datasets"}
NOT_LOADED = f"""
import sys
from tf_medsynth.cli.main import main
try:
    main(sys.argv[1:])
finally:
    assert not {HEAVY!r} & set(sys.modules), sorted({HEAVY!r} & set(sys.modules))
"""


COMMAND = [sys.executable, "-m", "tf_medsynth.cli.main"]
SAYS = """
import sys
from tf_medsynth.cli import main
main.VERBS["demo"].run = lambda arguments: {result}
sys.exit(main.main())
"""
"""The command where ``demo`` is no more than its result."""


def says(result: str, *words: str, **environment: str) -> subprocess.CompletedProcess:
    """The command whose verb has this result, an expression."""
    command = [sys.executable, "-c", SAYS.format(result=result), "demo", *words]
    return subprocess.run(command, capture_output=True, env={**os.environ, **environment}, check=False)


@pytest.mark.parametrize("words", [[], *([verb] for verb in VERBS)], ids=lambda words: " ".join(words) or "-")
def test_help_imports_nothing_heavy(words):
    command = [sys.executable, "-c", NOT_LOADED, *words, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: medsynth")


def test_verbs_are_those_of_the_package():
    functions = set(tf_medsynth.__all__) - {"__version__"}
    assert set(VERBS) == functions
    assert functions <= set(dir(tf_medsynth))


def test_an_unknown_name_of_the_package_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'paint'"):
        _ = tf_medsynth.paint


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "medsynth: the following arguments are required: VERB"),
        (["paint"], "invalid choice: 'paint'"),
        (["train", "liver"], "argument stage: invalid choice: 'liver'"),
        (["phantom", "--patients", "x"], "--patients: invalid int value: 'x'"),
        (["report", "--run", "r"], "medsynth report: the following arguments are required: --out"),
    ],
)
def test_wrong_words_are_one_line_and_status_two(words, message, capsys):
    with pytest.raises(SystemExit) as stop:
        main(words)
    error = capsys.readouterr().err
    assert stop.value.code == 2
    assert message in error
    assert error.count("\n") == 1


def test_a_users_mistake_is_one_line_and_status_two(capsys, tmp_path):
    words = ["prepare", "brats", "--manual-dir", str(tmp_path), "--data-dir", str(tmp_path), "--set", "size"]
    assert main(words) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith("medsynth prepare: --set takes key=value. Received: word='size'.")
    assert error.count("\n") == 1


def test_debug_shows_the_traceback_before_the_line(capsys, tmp_path):
    words = ["prepare", "brats", "--manual-dir", ".", "--data-dir", ".", "--set", "size", "--debug"]
    assert main(words) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Traceback")
    assert lines[-1].startswith("medsynth prepare: --set takes")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (MedSynthError("a rule.\nReceived: n=0."), "a rule. Received: n=0."),
        (OSError(errno.ENOSPC, "No space left on device", "out/a.mha"), "No space left on device. Received"),
        (
            PermissionError(errno.EACCES, "Permission denied", "out"),
            "Permission denied. Received: path=['out']",
        ),
        (KeyboardInterrupt(), "interrupted. --resume goes on from here."),
        (RuntimeError("first\nsecond"), "unexpected RuntimeError: first. --debug shows where."),
        (RuntimeError(), "unexpected RuntimeError: . --debug shows where."),
        (
            RuntimeError("; No space left on device\n[Op:SaveV2]"),
            "No space left on device. Received: path=[]",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_error_is_told_on_one_line(error, text):
    line = one_line(error, argparse.Namespace(resume=False))
    assert line.startswith(text)
    assert "\n" not in line


def by_a_mistake():
    raise ValueError("a weight has a term.\nReceived: mask=1.")


def by_a_rule():
    raise MedSynthError("a weight has a term. Received: mask=1. Leave it out.")


def by_shapes():
    import keras

    class Wrong(keras.layers.Layer):
        def call(self, values):
            return keras.ops.matmul(values, keras.ops.zeros((4, 4)))

    return Wrong()(keras.ops.zeros((2, 7)))


@pytest.mark.parametrize(
    ("work", "told"),
    [
        (by_a_mistake, "unexpected ValueError: a weight has a term. --debug shows where."),
        (by_a_rule, "a weight has a term. Received: mask=1. Leave it out."),
        (by_shapes, "unexpected ValueError: Dimensions must be equal, but are 7 and 4 "),
    ],
)
def test_an_error_inside_a_graph_is_told_by_its_cause(work, told):
    import tensorflow as tf

    with pytest.raises(Exception, match=r"weight|Dimensions") as caught:  # wrapped, but not on Python 3.13
        tf.function(work)()
    assert one_line(caught.value, argparse.Namespace()).startswith(told)


def test_an_error_of_a_running_graph_is_told_by_its_cause():
    import tensorflow as tf

    @tf.function
    def work(number):
        tf.debugging.assert_less(number, 3, message="numbers end at two")

    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        work(tf.constant(4))
    assert "numbers end at two" in one_line(caught.value, argparse.Namespace())


@pytest.mark.parametrize(
    ("place", "rule"),
    [
        ("gs://bucket/a", "a place on this machine, not a URL. Received: path='gs://bucket/a'. Mount"),
        ("", "names a file or folder. Received: path=''"),
        ("a\udcff", r"a name in UTF-8. Received: path='a\udcff'"),
    ],
)
def test_a_place_that_cannot_be_is_told_of_any_option(place, rule, capsys):
    for words in (["generate", "--from", "m", "--count", "1", "--out"], ["doctor"], ["demo", "--out"]):
        with pytest.raises(SystemExit) as stop:
            main([*words, place])
        assert stop.value.code == 2 and rule in capsys.readouterr().err


def test_results_without_a_dictionary_of_their_own_are_wrapped(tmp_path):
    assert json.loads(json_text(as_dict(tmp_path / "report.html"))) == {
        "result": str(tmp_path / "report.html")
    }
    assert as_dict({"a": 1}) == {"a": 1}


def test_defaults_of_the_synopsis():
    words = "train lesion --data brats/slices --data-dir d --run r --set a.b=1 c=x --set d=2".split()
    arguments = build_parser().parse_args(words)
    assert (arguments.preset, arguments.steps, arguments.seed, arguments.precision) == (
        "tiny",
        None,
        0,
        "auto",
    )
    assert arguments.assignments == ["a.b=1", "c=x", "d=2"]
    assert not arguments.resume
    arguments = build_parser().parse_args("generate --run r --count 3 --out o".split())
    assert (arguments.filter, arguments.labels, arguments.format) == (True, "augmented", "tfds")
    assert options.beam(arguments) is None
    assert str(build_parser().parse_args(["demo"]).out) == "demo_out"


def test_options_of_a_pipeline():
    pytest.importorskip("apache_beam")
    words = "generate --run r --count 3 --out o --workers 2".split()
    assert options.beam(build_parser().parse_args(words)) == Beam("DirectRunner", 2)
    words += "--beam-runner FlinkRunner --beam-options flink_master=host:8081".split()
    found = options.beam(build_parser().parse_args(words))
    assert found == Beam("FlinkRunner", 2, {"flink_master": "host:8081"})


def interrupted(arguments):
    raise KeyboardInterrupt


def test_ctrl_c_is_one_line_and_its_own_status(capsys, monkeypatch):
    monkeypatch.setattr(VERBS["demo"], "run", interrupted)
    assert main(["demo"]) == 128 + signal.SIGINT
    assert capsys.readouterr().err == "medsynth demo: interrupted.\n"


@pytest.mark.parametrize("words", [["demo", "--json"], ["demo"], ["--help"], ["paint"]], ids=" ".join)
@pytest.mark.parametrize("streams", [{"stdout"}, {"stdout", "stderr"}], ids=["out", "both"])
def test_a_reader_that_left_is_no_error(words, streams):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-c", SAYS.format(result="{'lines': ['a' * 100] * 10_000}"), *words]
    places = {name: writing if name in streams else subprocess.PIPE for name in ("stdout", "stderr")}
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    done = subprocess.run(command, **places, env=environment, check=False)
    os.close(writing)
    told = words == ["paint"] and "stderr" not in streams
    assert done.returncode == (2 if told else 128 + signal.SIGPIPE)
    assert (done.stderr or b"").count(b"\n") == told


def test_a_broken_pipe_of_the_work_is_an_error(capsys, monkeypatch):
    def broken(arguments):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe", "worker")

    monkeypatch.setattr(VERBS["demo"], "run", broken)
    assert main(["demo"]) == 2
    assert "Broken pipe. Received: path=['worker']" in capsys.readouterr().err


@pytest.mark.parametrize(
    "environment",
    [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}],
    ids=str,
)
def test_names_that_a_terminal_lacks_are_spelt_out(environment):
    name = ascii("Gr\u00f6\u00dfe/\u041f")
    done = says(f"{{'name': {name}}}", **environment)
    assert (done.returncode, done.stdout) == (0, b"Gr\\xf6\\xdfe/\\u041f\n")
    done = says(f"{{'name': {name}}}", "--json", **environment)
    assert json.loads(done.stdout) == {"name": "Gr\u00f6\u00dfe/\u041f"}


@pytest.mark.parametrize("environment", [{}, {"PYTHONIOENCODING": "utf-8:strict"}], ids=str)
def test_names_of_files_that_are_no_text_keep_their_bytes(environment):
    name = "{'name': __import__('os').fsdecode(bytes([97, 255]))}"
    assert says(name, **environment).stdout == b"a\xff\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_an_output_that_cannot_be_written_is_one_line():
    command = [sys.executable, "-c", SAYS.format(result="{'lines': ['a']}"), "demo"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    assert b"output must be writable" in done.stderr


def test_a_mistake_with_such_a_name_is_still_one_line(tmp_path):
    words = ["prepare", "brats", "--manual-dir", ".", "--data-dir", ".", "--set", "Gr\u00f6\u00dfe"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([*COMMAND, *words], capture_output=True, env=environment, check=False)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    assert b"Gr\\xf6" in done.stderr
