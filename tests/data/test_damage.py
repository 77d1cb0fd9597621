import numpy as np
import pytest
import tensorflow as tf

from tf_medsynth.data.damage import DAMAGES, NOISE, SHIFT_PX, with_damage

RANDOM = np.random.default_rng(0)
IMAGES = (0.2 + 0.6 * RANDOM.random((84, 16, 16, 4))).astype(np.float32)
IMAGES[:, :3] = 0.0


@pytest.fixture(scope="module")
def damaged() -> dict[str, np.ndarray]:
    batch = {"index": tf.range(84, dtype=tf.int64), "images": tf.constant(IMAGES)}
    return {name: value.numpy() for name, value in tf.function(with_damage(7))(batch).items()}


def rows(damaged: dict[str, np.ndarray], name: str) -> np.ndarray:
    return np.flatnonzero(damaged["damage"] == DAMAGES.index(name))


def changed(damaged: dict[str, np.ndarray], row: int) -> list[int]:
    """Modalities that differ from the original."""
    return [m for m in range(4) if not np.array_equal(damaged["images"][row, ..., m], IMAGES[row, ..., m])]


def test_every_damage_occurs_about_as_often(damaged) -> None:
    counts = np.bincount(damaged["damage"], minlength=len(DAMAGES))
    assert counts.min() >= 4 and counts.max() <= 25
    assert damaged["images"].min() >= 0 and damaged["images"].max() <= 1


def test_none_changes_nothing_and_single_damages_one_modality(damaged) -> None:
    assert all(not changed(damaged, row) for row in rows(damaged, "none"))
    for name in ("shifted", "contrast", "foreign"):
        assert all(len(changed(damaged, row)) == 1 for row in rows(damaged, name)), name
    assert all(len(changed(damaged, row)) == 2 for row in rows(damaged, "exchanged"))


def test_each_damage_is_what_it_says(damaged) -> None:
    after = damaged["images"]
    for row in rows(damaged, "shifted"):
        (m,) = changed(damaged, row)
        ways = [np.roll(IMAGES[row, ..., m], by, axis) for by in (SHIFT_PX, -SHIFT_PX) for axis in (0, 1)]
        assert any(np.array_equal(after[row, ..., m], way) for way in ways)
    for row in rows(damaged, "exchanged"):
        a, b = changed(damaged, row)
        np.testing.assert_array_equal(after[row, ..., a], IMAGES[row, ..., b])
        np.testing.assert_array_equal(after[row, ..., b], IMAGES[row, ..., a])
    for row in rows(damaged, "foreign"):
        (m,) = changed(damaged, row)
        np.testing.assert_array_equal(after[row, ..., m], IMAGES[row - 1, ..., m])
    noisy = rows(damaged, "noisy")
    added = (after[noisy] - IMAGES[noisy])[:, 3:]
    assert np.std(added) == pytest.approx(NOISE, rel=0.1) and not after[noisy, :3].any()
    blurred = rows(damaged, "blurred")
    assert after[blurred, 5:-5, 5:-5].std() < 0.5 * IMAGES[blurred, 5:-5, 5:-5].std()


def test_draws_repeat_by_seed_and_index(damaged) -> None:
    part = {"index": tf.range(60, 84, dtype=tf.int64), "images": tf.constant(IMAGES[60:])}
    again, other = (tf.function(with_damage(seed))(part) for seed in (7, 8))
    np.testing.assert_array_equal(again["damage"], damaged["damage"][60:])
    assert not np.array_equal(other["damage"], again["damage"])
