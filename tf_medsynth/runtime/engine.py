"""TensorFlow and its machine: seeds, precision, threads, devices.

TensorFlow and Keras are imported inside the functions, so that importing this module is instant.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from tf_medsynth.config.base import check
from tf_medsynth.runtime.gathering import gather
from tf_medsynth.runtime.workers import Cluster, cluster
from tf_medsynth.types import MedSynthError

Precision = Literal["auto", "float32", "bfloat16", "float16"]

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
"""Precision as a user names it -> Keras dtype policy."""

WAIT_SECONDS = 600
"""How long a worker of a job waits at its start for all the others."""

# No log level silences these two: they come before TensorFlow reads it.
_CHATTER = ("All log messages before absl::InitializeLog", "oneDNN custom operations are on")


def check_tensorflow() -> None:
    """Raises a `MedSynthError` where TensorFlow is not installed; imports nothing."""
    check(
        "this step needs TensorFlow",
        importlib.util.find_spec("tensorflow") is not None,
        "Install it with pip install 'tf_medsynth[cpu]', or 'tf_medsynth[gpu]' for NVIDIA GPUs.",
        tensorflow=None,
    )


def require_tensorflow() -> None:
    """Imports TensorFlow, as Keras's engine, without the lines it always prints.

    Raises:
        MedSynthError: TensorFlow is missing, or another Keras backend is chosen.
    """
    check_tensorflow()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    check(
        "training and generation run on Keras's TensorFlow backend",
        backend == "tensorflow",
        "Unset the variable.",
        KERAS_BACKEND=backend,
    )
    if "tensorflow" not in sys.modules:
        _import_quietly("tensorflow")


def _import_quietly(module: str) -> None:
    """Imports `module`; what it says on standard error is passed on, but for `_CHATTER`."""
    sys.stderr.flush()
    own = os.dup(2)
    with os.fdopen(os.memfd_create("stderr"), "w+b") as heard:
        os.dup2(heard.fileno(), 2)  # C++ writes to the descriptor, not to sys.stderr
        try:
            importlib.import_module(module)
        finally:
            os.dup2(own, 2)
            os.close(own)
            heard.seek(0)
            for line in heard.read().decode(errors="replace").splitlines():
                if not any(words in line for words in _CHATTER):
                    print(line, file=sys.stderr)


def configure(seed: int | None = None, precision: Precision = "auto", threads: int | None = None) -> str:
    """Name of the Keras dtype policy that is in force from now on.

    Args:
        seed: seeds Python, NumPy and TensorFlow; None leaves them as they are.
        precision: ``auto`` takes bfloat16 where the hardware computes in it, else float32.
        threads: of one operation; None leaves the choice to TensorFlow.

    Raises:
        MedSynthError: unknown precision, or `threads` after TensorFlow has started.
    """
    check(
        f"precision must be one of auto, {', '.join(POLICIES)}",
        precision == "auto" or precision in POLICIES,
        precision=precision,
    )
    check("threads must be positive", threads is None or threads > 0, threads=threads)
    require_tensorflow()
    import keras

    if threads is not None:
        _set_threads(threads)
    if seed is not None:
        seed_draws(seed)
    chosen = precision if precision != "auto" else "bfloat16" if hardware_bfloat16() else "float32"
    keras.config.set_dtype_policy(POLICIES[chosen])
    return POLICIES[chosen]


def forget_models() -> None:
    """Frees what Keras keeps of every model built so far; `configure` must follow, it resets precision."""
    require_tensorflow()
    import keras

    keras.utils.clear_session()


def seed_draws(seed: int) -> None:
    """Seeds the global generators of Python, NumPy and TensorFlow, e.g. before weights are drawn."""
    require_tensorflow()
    import keras

    keras.utils.set_random_seed(seed)


def hardware_bfloat16() -> bool:
    """True where bfloat16 is computed in hardware: every GPU >= 8.0, or a CPU with AMX or AVX512-BF16."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
        return all(detail.get("compute_capability", (0, 0)) >= (8, 0) for detail in details)
    # Without oneDNN the backward pass of a bfloat16 convolution is some 200x slower.
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0":
        return False
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text(encoding="utf-8").split() if cpuinfo.exists() else []
    return "avx512_bf16" in flags or "amx_bf16" in flags


@functools.cache
def _mirrored(devices: tuple[str, ...]) -> Any:
    """The mirrored strategy over `devices`, one a process: the reductions of a second one would be
    taken for those of the first, which number theirs from the same start.
    """
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(list(devices))


@functools.cache
def _multi_worker(job: Cluster) -> Any:
    """The strategy over the workers of `job`, once all of them are there; one a process.

    Raises:
        MedSynthError: this worker's address cannot be bound, or another worker did not come.
    """
    import tensorflow as tf

    gather(job, WAIT_SECONDS)
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except (RuntimeError, tf.errors.OpError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise MedSynthError(
            "every worker of TF_CONFIG must start, at an address of its own machine that is free. "
            f"Received: rank={job.rank}, addresses={job.addresses}, error={first!r}."
        ) from error


def _set_threads(threads: int) -> None:
    from tensorflow.config import threading

    if threading.get_intra_op_parallelism_threads() != threads:
        _before_start("threads", threads, lambda: threading.set_intra_op_parallelism_threads(threads))


def _before_start(what: str, count: int, setter: Callable[[], None]) -> None:
    """Calls a TensorFlow setter that is only allowed before the first operation."""
    try:
        setter()
    except RuntimeError:
        early = False
    else:
        early = True
    rule = f"the number of {what} can only be set before TensorFlow's first operation"
    check(rule, early, "Set it first in a fresh process.", count=count)


def logical_cpu_devices(count: int) -> list[str]:
    """Names of `count` logical CPU devices, e.g. ``["CPU:0", "CPU:1"]``: a correctness tool, no speed-up."""
    check("the number of logical devices must be positive", count > 0, count=count)
    require_tensorflow()
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    if len(tf.config.get_logical_device_configuration(cpu) or [None]) != count:
        parts = [tf.config.LogicalDeviceConfiguration() for _ in range(count)]
        _before_start(
            "logical devices", count, lambda: tf.config.set_logical_device_configuration(cpu, parts)
        )
    return [f"CPU:{index}" for index in range(count)]


def strategy(devices: Sequence[str] | None = None) -> Any:
    """`tf.distribute.Strategy` over `devices`: mirrored over several, the default strategy for one.

    Where ``TF_CONFIG`` makes this process a worker of several, it is the strategy over all workers,
    which must be asked for before TensorFlow's first operation.

    Args:
        devices: names such as ``("GPU:0", "GPU:1")`` or ``("CPU:0", "CPU:1")``; None takes every
            GPU, or the CPU as one device.

    Raises:
        MedSynthError: no devices, a name twice, or a device that this machine does not have; a
            malformed ``TF_CONFIG``, or one whose workers do not come up.
    """
    require_tensorflow()
    import tensorflow as tf

    job = cluster()
    if job.workers > 1:
        rule = "the workers of TF_CONFIG use every GPU they have, or the CPU"
        check(rule, devices is None, "Leave out the devices.", devices=devices)
        return _multi_worker(job)

    known = [device.name.removeprefix("/device:") for device in tf.config.list_logical_devices()]
    if devices is None:
        devices = [name for name in known if name.startswith("GPU:")] or ["CPU:0"]
    unique = set(devices)
    check(
        "devices must be different devices of this machine",
        bool(unique) and len(unique) == len(devices) and unique <= set(known),
        f"Known: {', '.join(known)}.",
        devices=list(devices),
    )
    if len(devices) > 1:
        return _mirrored(tuple(devices))
    if devices[0] in ("CPU:0", "GPU:0"):
        return tf.distribute.get_strategy()
    return tf.distribute.OneDeviceStrategy(f"/{devices[0]}")
