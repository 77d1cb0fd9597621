from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.generation import GenerationConfig
from tf_medsynth.generation.fitting import OWN_MAP, fit_function, fit_labels, label_draws, labels_of_maps
from tf_medsynth.imaging.augment import LABEL_UNIFORMS
from tf_medsynth.imaging.labels import label_kind
from tf_medsynth.imaging.labels.boxes import MOST_BOXES, ClassBoxes
from tf_medsynth.imaging.labels.none import NoLabel
from tf_medsynth.imaging.labels.plane import ClassPlane
from tf_medsynth.imaging.labels.structure import DrawnStructure

KIND = label_kind(BRAIN_MRI)
AS_THEY_ARE = GenerationConfig(labels="dataset")
AUGMENTED = GenerationConfig(labels="augmented")


def masks(count: int, size: int = 32, radius: float = 13) -> np.ndarray:
    rows, columns = np.indices((size, size)) - (size - 1) / 2
    return np.repeat((np.hypot(rows, columns) > radius)[None, ..., None].astype(np.float32), count, axis=0)


def draws(size: int, seed: int, index, tries: int = 3):
    lesions = range(size)
    drawn = label_draws(size, lesions, tries, seed, np.asarray(index), "generation")
    return [part.numpy() for part in drawn]


def graph_of(pool, settings: GenerationConfig):
    labels = tf.constant(np.stack([pool[number] for number in range(len(pool))]))
    return fit_function(
        lambda numbers: tf.gather(labels, numbers), len(pool), pool.lesions, (32, 32), settings, KIND
    )


def test_draws_are_named_by_seed_index_and_attempt():
    numbers, uniforms = draws(2**20, 3, [7, 8])
    again = draws(2**20, 3, [8, 7])
    np.testing.assert_array_equal(numbers, again[0][::-1])
    np.testing.assert_array_equal(uniforms, again[1][::-1])
    everything = [*numbers.ravel(), *draws(2**20, 4, [7])[0].ravel(), *draws(2**20, 7, [3])[0].ravel()]
    assert len(set(everything)) == len(everything)


def test_draws_are_uniform():
    numbers, uniforms = draws(10, 0, range(2000), tries=2)
    counts = np.bincount(numbers.ravel(), minlength=10)
    assert np.abs(counts - 400).max() < 5 * 20  # five standard deviations of a binomial
    uniforms = uniforms.reshape(4000, LABEL_UNIFORMS)
    assert uniforms.min() >= 0
    assert uniforms.max() < 1
    np.testing.assert_allclose(uniforms.mean(axis=0), 0.5, atol=0.025)
    assert np.abs(np.corrcoef(uniforms.T) - np.eye(LABEL_UNIFORMS)).max() < 0.08


def test_the_graph_finds_the_same_labels(pool):
    """Rows of other seeds, in another order and number: what a server computes."""
    index = np.arange(11)
    found = fit_labels(pool, KIND, masks(11), np.ones(11, bool), AUGMENTED, 5, index)
    graph = graph_of(pool, AUGMENTED)
    rows = [10, 2, 7]
    made = tf.function(graph)(masks(3), np.full(3, 5), index[rows])
    np.testing.assert_array_equal(made["lesion_label"], found.labels[rows])
    assert made["label_found"].numpy().all()
    nowhere = graph(np.ones((1, 32, 32, 1), np.float32), [5], [0])
    assert not nowhere["label_found"].numpy().any() and not nowhere["lesion_label"].numpy().any()


@pytest.mark.parametrize("settings", [AS_THEY_ARE, AUGMENTED])
def test_where_labels_may_lie_anywhere_the_first_is_taken(pool, settings):
    settings = dataclasses.replace(settings, label_place="anywhere")
    nowhere = np.ones((4, 32, 32, 1), np.float32)
    found = fit_labels(pool, KIND, nowhere, np.ones(4, bool), settings, 5, np.arange(4))
    assert found.tries == [1] * 4 and found.labels.any(axis=(1, 2, 3)).all()
    assert found.sources == draws(len(pool), 5, range(4), settings.label_tries)[0][:, 0].tolist()
    graph = graph_of(pool, settings)
    made = graph(nowhere, np.full(4, 5), np.arange(4))
    np.testing.assert_array_equal(made["lesion_label"], found.labels)


@pytest.mark.parametrize("settings", [AS_THEY_ARE, AUGMENTED])
def test_every_label_found_lies_inside_and_shows_a_lesion(pool, settings):
    outside = masks(32)
    fitted = fit_labels(pool, KIND, outside, np.ones(32, bool), settings, 0, np.arange(32))
    assert all(source is not None for source in fitted.sources)
    assert not (fitted.labels * outside).any()
    assert fitted.labels.any(axis=(1, 2, 3)).all()
    assert set(np.unique(fitted.labels)) <= {0, 1, 2, 4}
    assert max(fitted.tries) > 1  # the pool holds a label that never fits


def test_labels_as_they_are_and_moved(pool):
    wanted, index = np.ones(8, bool), np.arange(8)
    plain = fit_labels(pool, KIND, masks(8), wanted, AS_THEY_ARE, 0, index)
    for label, source in zip(plain.labels, plain.sources, strict=True):
        np.testing.assert_array_equal(label, pool[source])
    moved = fit_labels(pool, KIND, masks(8), wanted, AUGMENTED, 0, index)
    changed = [(m != pool[s]).any() for m, s in zip(moved.labels, moved.sources, strict=True)]
    assert np.mean(changed) > 0.5


def test_a_row_does_not_depend_on_its_neighbours(pool):
    index = np.arange(40, 48)
    together = fit_labels(pool, KIND, masks(8), np.ones(8, bool), AUGMENTED, 5, index)
    for row in range(8):
        wanted = np.arange(8) == row
        alone = fit_labels(pool, KIND, masks(8), wanted, AUGMENTED, 5, index)
        np.testing.assert_array_equal(alone.labels[row], together.labels[row])
        assert alone.tries == [together.tries[row] if mine else 0 for mine in wanted]


def test_tries_are_bounded_where_nothing_fits(pool):
    settings = dataclasses.replace(AUGMENTED, label_tries=4)
    fitted = fit_labels(
        pool, KIND, np.ones((2, 32, 32, 1)), np.array([True, False]), settings, 0, np.arange(2)
    )
    assert fitted.sources == [None, None]
    assert fitted.tries == [4, 0]
    assert not fitted.labels.any()


def test_a_label_that_follows_its_map_is_read_off_it():
    kind = DrawnStructure(("background", "vessel"))
    lines = np.zeros((3, 32, 32, 1), np.float32)
    lines[:2, 16, 8:24] = 1
    fitted = labels_of_maps(kind, lines, masks(3), np.array([True, False, True]))
    assert fitted.sources == [OWN_MAP, None, None] and fitted.tries == [1, 0, 1]
    np.testing.assert_array_equal(fitted.labels[0], lines[0])
    assert not fitted.labels[1:].any()


def test_without_labels_every_map_goes_without():
    fitted = labels_of_maps(NoLabel(()), np.ones((2, 32, 32, 1)), masks(2), np.array([True, False]))
    assert fitted.labels.shape == (2, 0) and fitted.sources == [OWN_MAP, None]


@pytest.mark.parametrize("kind", [ClassPlane(("normal", "viral")), ClassBoxes(("background", "nodule"))])
def test_labels_of_other_kinds_are_fitted_by_their_own_rules(kind):
    boxes = np.zeros((2, MOST_BOXES, 5), np.float32)
    boxes[0, 0], boxes[1, 0] = (0.0, 0.0, 0.2, 0.2, 1), (0.4, 0.4, 0.6, 0.6, 1)  # outside and inside
    labels = np.array([0, 1], np.int32) if isinstance(kind, ClassPlane) else boxes
    fitting = range(2) if isinstance(kind, ClassPlane) else (1,)
    function = fit_function(lambda n: tf.gather(labels, n), 2, (0, 1), (32, 32), AS_THEY_ARE, kind)
    seeds, index = np.zeros(24, np.int64), np.arange(24)
    made = function(tf.constant(masks(24)), seeds, index)
    found = made["label_found"].numpy()
    assert found.mean() > 0.9
    for label in made["lesion_label"].numpy()[found]:
        assert any(np.array_equal(label, labels[number]) for number in fitting)
