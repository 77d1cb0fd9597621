import numpy as np
import pytest

from tf_medsynth.metrics.lesion_dice import PooledWholeLesionDice
from tf_medsynth.metrics.overlap import pooled_whole_lesion_dice


def test_batches_add_up_to_the_pooled_dice() -> None:
    random = np.random.default_rng(0)
    label = random.integers(5, size=(6, 4, 4, 1)) * random.integers(2, size=(6, 4, 4, 1))
    logits = random.normal(size=(6, 4, 4, 5)).astype("float32")
    metric = PooledWholeLesionDice()
    metric.update_state(label[:4], logits[:4])
    metric.update_state(label[4:], logits[4:])
    assert float(metric.result()) == pytest.approx(
        pooled_whole_lesion_dice(logits.argmax(-1)[..., None], label, 5)
    )


def test_reset_and_empty_give_zero_and_weights_are_refused() -> None:
    metric = PooledWholeLesionDice()
    assert float(metric.result()) == 0.0
    with pytest.raises(ValueError, match="sample_weight"):
        metric.update_state(np.zeros((1, 2, 2, 1)), np.zeros((1, 2, 2, 5)), sample_weight=1.0)
