"""One plain update of a tiny stage on this worker's rows: ``JSON``, the stage's name and the output."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import keras
import numpy as np
import tensorflow as tf

from tests import conftest, tiny
from tf_medsynth import runtime

CHANGES = {"training.gradient_clip": 0.3, "training.ema_decay": 0.5}


def update(name: str, rows: slice, strategy: tf.distribute.Strategy) -> tuple[dict, dict, dict]:
    """State before and after one step of gradient descent with `rows` of the batch, and the logs."""
    with strategy.scope():
        stage = tiny.build(name, CHANGES)
        stage.compile_players({player: keras.optimizers.SGD(1.0) for player in stage.players})
    before = tiny.state(stage)
    batch = {key: tf.constant(values[rows]) for key, values in tiny.batch(rows=4).items()}
    step = tf.function(lambda batch: strategy.run(stage.train_step, args=(batch,)))
    step(batch)
    return before, tiny.state(stage), {key: float(value) for key, value in stage.logs().items()}


if __name__ == "__main__":
    conftest.pytest_configure(SimpleNamespace(option=SimpleNamespace()))  # type: ignore[arg-type]
    words = json.loads(sys.argv[1])
    job = runtime.cluster()
    share = 4 // job.workers
    mine = slice(job.rank * share, (job.rank + 1) * share)
    _, after, logs = update(words["name"], mine, runtime.strategy())
    np.savez(f"{words['out']}-{job.rank}.npz", **after, **{f"log {key}": logs[key] for key in logs})
