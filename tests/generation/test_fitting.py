from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tf_medsynth.config.generation import GenerationConfig
from tf_medsynth.generation.fitting import draw_label, fit_labels
from tf_medsynth.imaging.augment import LABEL_UNIFORMS

AS_THEY_ARE = GenerationConfig(labels="dataset")
AUGMENTED = GenerationConfig(labels="augmented")


def masks(count: int, size: int = 32, radius: float = 13) -> np.ndarray:
    rows, columns = np.indices((size, size)) - (size - 1) / 2
    return np.repeat((np.hypot(rows, columns) > radius)[None, ..., None].astype(np.float32), count, axis=0)


def test_draws_are_named_by_seed_index_and_attempt():
    number, uniforms = draw_label(100, 3, 7, 2)
    again = draw_label(100, 3, 7, 2)
    assert number == again[0]
    np.testing.assert_array_equal(uniforms, again[1])
    others = [draw_label(2**31, *name)[0] for name in ((3, 7, 2), (4, 7, 2), (3, 8, 2), (3, 7, 3), (7, 3, 2))]
    assert len(set(others)) == 5


def test_draws_are_uniform():
    drawn = [draw_label(10, 0, index, 0) for index in range(4000)]
    counts = np.bincount([number for number, _ in drawn], minlength=10)
    assert np.abs(counts - 400).max() < 5 * 20  # five standard deviations of a binomial
    uniforms = np.stack([values for _, values in drawn])
    assert uniforms.shape == (4000, LABEL_UNIFORMS)
    assert uniforms.min() >= 0
    assert uniforms.max() < 1
    np.testing.assert_allclose(uniforms.mean(axis=0), 0.5, atol=0.025)
    assert np.abs(np.corrcoef(uniforms.T) - np.eye(LABEL_UNIFORMS)).max() < 0.08


@pytest.mark.parametrize("settings", [AS_THEY_ARE, AUGMENTED])
def test_every_label_found_lies_inside_and_shows_a_lesion(pool, settings):
    outside = masks(32)
    fitted = fit_labels(pool, outside, np.ones(32, bool), settings, 0, np.arange(32))
    assert all(source is not None for source in fitted.sources)
    assert not (fitted.labels * outside).any()
    assert fitted.labels.any(axis=(1, 2, 3)).all()
    assert set(np.unique(fitted.labels)) <= {0, 1, 2, 4}
    assert max(fitted.tries) > 1  # the pool holds a label that never fits


def test_labels_as_they_are_and_moved(pool):
    wanted, index = np.ones(8, bool), np.arange(8)
    plain = fit_labels(pool, masks(8), wanted, AS_THEY_ARE, 0, index)
    for label, source in zip(plain.labels, plain.sources, strict=True):
        np.testing.assert_array_equal(label, pool[source])
    moved = fit_labels(pool, masks(8), wanted, AUGMENTED, 0, index)
    changed = [(m != pool[s]).any() for m, s in zip(moved.labels, moved.sources, strict=True)]
    assert np.mean(changed) > 0.5


def test_a_row_does_not_depend_on_its_neighbours(pool):
    index = np.arange(40, 48)
    together = fit_labels(pool, masks(8), np.ones(8, bool), AUGMENTED, 5, index)
    for row in range(8):
        wanted = np.arange(8) == row
        alone = fit_labels(pool, masks(8), wanted, AUGMENTED, 5, index)
        np.testing.assert_array_equal(alone.labels[row], together.labels[row])
        assert alone.tries == [together.tries[row] if mine else 0 for mine in wanted]


def test_tries_are_bounded_where_nothing_fits(pool):
    settings = dataclasses.replace(AUGMENTED, label_tries=4)
    fitted = fit_labels(pool, np.ones((2, 32, 32, 1)), np.array([True, False]), settings, 0, np.arange(2))
    assert fitted.sources == [None, None]
    assert fitted.tries == [4, 0]
    assert not fitted.labels.any()
