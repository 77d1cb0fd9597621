"""Seeds, precision, threads and devices of the process."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from tf_medsynth import runtime
from tf_medsynth.runtime import engine
from tf_medsynth.types import MedSynthError


@pytest.fixture(autouse=True)
def float32_afterwards():
    yield
    keras.config.set_dtype_policy("float32")


def fresh_process(code):
    """Standard output of `code`, run where TensorFlow has not started."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


def test_seed_makes_all_three_generators_repeat():
    def draw():
        runtime.configure(seed=3, precision="float32")
        return np.random.rand(), float(keras.random.normal(()))

    assert draw() == draw()


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_precision_sets_the_policy_keras_layers_get(precision):
    policy = runtime.configure(precision=precision)
    layer = keras.layers.Dense(1)
    assert layer.dtype_policy.name == policy
    assert layer.compute_dtype == precision
    assert layer.variable_dtype == "float32"


def test_auto_follows_the_hardware():
    expected = "mixed_bfloat16" if runtime.hardware_bfloat16() else "float32"
    assert runtime.configure(precision="auto") == expected


def test_bfloat16_is_not_chosen_without_onednn(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    assert not runtime.hardware_bfloat16()


def test_unknown_precision_is_refused():
    with pytest.raises(MedSynthError, match=r"auto, float32.*precision='double'"):
        runtime.configure(precision="double")


def test_missing_tensorflow_names_the_extras(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(MedSynthError, match=r"tf_medsynth\[cpu\].*tf_medsynth\[gpu\]"):
        runtime.require_tensorflow()


def test_another_keras_backend_is_refused(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(MedSynthError, match="KERAS_BACKEND='jax'"):
        runtime.require_tensorflow()


def test_threads_and_devices_can_only_be_set_before_the_first_operation():
    keras.ops.ones(1)
    with pytest.raises(MedSynthError, match=r"threads .*fresh process"):
        runtime.configure(threads=61)
    with pytest.raises(MedSynthError, match=r"logical devices .*count=3"):
        runtime.logical_cpu_devices(3)


def test_strategy_mirrors_over_several_devices_only():
    assert runtime.strategy().num_replicas_in_sync == 1
    assert runtime.strategy(["CPU:1"]).num_replicas_in_sync == 1
    assert runtime.strategy(runtime.logical_cpu_devices(2)).num_replicas_in_sync == 2


@pytest.mark.parametrize("devices", [["CPU:0", "CPU:0"], ["TPU:7"], []])
def test_strategy_refuses_devices_that_are_not_there(devices):
    with pytest.raises(MedSynthError, match=r"Known: CPU:0, CPU:1"):
        runtime.strategy(devices)


def test_tensorflow_is_imported_without_its_chatter_but_with_its_warnings(tmp_path, monkeypatch, capfd):
    (tmp_path / "talkative.py").write_text(
        "import os\nos.write(2, b'I0 oneDNN custom operations are on. You may\\nE0 no such library\\n')"
    )
    monkeypatch.syspath_prepend(tmp_path)
    engine._import_quietly("talkative")
    assert capfd.readouterr().err == "E0 no such library\n"
    print("still heard", file=sys.stderr)
    assert capfd.readouterr().err == "still heard\n"


def test_importing_the_room_imports_no_engine():
    code = "import sys, tf_medsynth.runtime; print({'tensorflow', 'keras', 'numpy'} & set(sys.modules))"
    assert fresh_process(code) == "set()"
    assert engine.POLICIES.keys() == {"float32", "bfloat16", "float16"}
