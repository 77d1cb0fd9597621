"""Two logical CPU devices, quiet libraries, and no more threads than cores: set before any TensorFlow op."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest_plugins = ("tests.fixtures",)

WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
THREADS = max(1, (os.cpu_count() or 1) // WORKERS)

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # the tests compare bits: one kind of device
os.environ["MPLBACKEND"] = "agg"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["NO_GCE_CHECK"] = "true"  # TFDS would ask the network where it runs
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"):
    os.environ[name] = str(THREADS)

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Directory of real samples beside the repository; the test is skipped where it is absent."""
    if not (REAL_DATA / "brats").is_dir():
        pytest.skip("no real samples at ../shared/data")
    return REAL_DATA


def pytest_configure(config: pytest.Config) -> None:
    """Starts TensorFlow before anything is collected; xdist's controller runs no test and needs none."""
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        return
    import cv2

    from tf_medsynth import runtime

    cv2.setNumThreads(THREADS)
    runtime.logical_cpu_devices(2)
    runtime.configure(precision="float32", threads=THREADS)
