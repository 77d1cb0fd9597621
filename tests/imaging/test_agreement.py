"""Intensities tell a place from its mirror image, and keep silent where there is too little to tell."""

import numpy as np
import pytest
from scipy import ndimage

from tests.patients import volumes
from tf_medsynth.imaging.agreement import (
    AS_STORED,
    edges,
    flips,
    image_agreement,
    label_agreement,
    label_mirror_check,
    label_places,
    mirror_check,
    rank_places,
)
from tf_medsynth.types import MedSynthError

SHAPE = (20, 32, 32)


def _head(seed: int = 0, shape: tuple[int, ...] = SHAPE) -> dict[str, np.ndarray]:
    """Two contrasts, the second the inverse of the first, and the outline of a lesion in both."""
    rng = np.random.default_rng(seed)
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    brain = z**2 + y**2 + x**2 < 0.9
    texture = ndimage.gaussian_filter(rng.normal(size=shape), 1.5)
    lesion = ((z + 0.25) / 0.4) ** 2 + ((y + 0.1) / 0.35) ** 2 + ((x - 0.3) / 0.3) ** 2 < 1
    first = 500 + 2000 * texture + 600 * lesion
    noise = 5 * rng.normal(size=(2, *shape))
    return {
        "first": np.where(brain, first + noise[0], 0).astype(np.int16),
        "second": np.where(brain, 3000 - first + noise[1], 0).astype(np.int16),
        "label": (lesion & brain).astype(np.uint8),
    }


def test_an_inverted_contrast_agrees_and_another_head_does_not():
    head = _head()
    assert image_agreement(head["first"], head["first"]) > 0.7
    assert image_agreement(head["first"], head["second"]) > 0.7
    assert abs(image_agreement(head["first"], _head(seed=1)["second"])) < 0.3
    shifted = np.roll(head["second"], 5, axis=2)
    assert image_agreement(head["first"], shifted) < 0.3


def test_every_flip_of_a_cube_is_found_and_named_once():
    cube = np.arange(27).reshape(3, 3, 3)
    found = flips(cube, cube.shape)
    assert len(found) == 47 == len({array.tobytes() for array in found.values()})
    np.testing.assert_array_equal(found["left-right mirrored"], cube[:, :, ::-1])
    np.testing.assert_array_equal(found["turned by 180 degrees about the z axis"], np.rot90(cube, 2, (1, 2)))
    np.testing.assert_array_equal(found["axes (z,y,x) -> (x,-y,z)"], cube.transpose(2, 1, 0)[:, ::-1])
    assert set(flips(np.zeros((2, 3, 4)), (4, 3, 2))) >= {"axes (z,y,x) -> (x,y,z)"}
    assert not flips(np.zeros((2, 3, 4)), (2, 3, 5))


@pytest.mark.parametrize("shape", [SHAPE, (24, 24, 24), (20, 71, 71)])
def test_a_mirrored_image_is_named_and_a_right_one_is_not(shape):
    head = _head(shape=shape)
    assert mirror_check(head["first"], head["second"]) is None
    for name, other in list(flips(head["second"], shape).items())[:9]:
        answer = mirror_check(head["first"], other)
        assert answer is not None
        back = other if answer == AS_STORED else flips(other, shape)[answer]
        np.testing.assert_array_equal(back, head["second"], err_msg=name)


def test_edges_are_an_image_s_own_whatever_way_it_is_stored():
    head = _head(shape=(21, 70, 131))  # of lengths that the reduced grid does not divide
    whole = edges(head["first"]).field[..., 3]
    flipped = edges(head["first"][:, ::-1, ::-1]).field[..., 3]
    np.testing.assert_allclose(flipped[:, ::-1, ::-1], whole, atol=1e-4)
    scaled = edges(head["first"].astype(np.float32) * 7 - 3).field[..., 3]
    np.testing.assert_allclose(scaled, whole, atol=1e-4)


def test_a_label_s_own_place_wins_over_flips_and_a_header_s():
    head = _head()
    images = [head["first"], head["second"]]
    moved = np.roll(head["label"], 6, axis=1)
    ranking = label_places(images, head["label"], {"by header": moved})
    assert ranking.best == AS_STORED and ranking.decided
    assert ranking.score == pytest.approx(label_agreement(images, head["label"]))
    assert label_mirror_check(images, head["label"]) is None
    ranking = label_places(images, moved, {"by header": head["label"]})
    assert ranking.best == "by header" and ranking.decided
    assert label_mirror_check(images, head["label"][..., ::-1]) == "left-right mirrored"


def test_a_label_of_another_shape_is_ranked_among_its_turns():
    head = _head()
    ranking = label_places([head["first"]], head["label"].transpose(2, 1, 0))
    assert ranking.best == "axes (z,y,x) -> (x,y,z)" and ranking.decided
    with pytest.raises(MedSynthError, match="at least one place"):
        label_places([head["first"]], np.ones((3, 4, 5)))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shape", [(12, 24, 24), (24, 24, 24)])
def test_smooth_blobs_raise_no_alarm(seed, shape):
    patient = volumes(seed, shape)
    images = [edges(patient[kind]) for kind in ("T1", "T2", "T1c", "Flair")]
    assert [mirror_check(images[0], other) for other in images[1:]] == [None] * 3
    assert label_mirror_check(images, patient["label"]) is None


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 9, 9), (8, 8, 8)])
def test_where_there_is_nothing_to_tell_nothing_is_decided(shape):
    noise = np.random.default_rng(0).normal(size=shape)
    ball = np.zeros(shape)
    ball[tuple(n // 2 for n in shape)] = 1
    for image in (np.zeros(shape), np.full(shape, 7), noise, ball):
        for other in (noise, np.zeros(shape), ball):
            assert mirror_check(image, other) is None
        for label in (np.zeros(shape), ball):
            assert not label_places([image], label).decided
            assert label_mirror_check([image], label) is None


def test_ranking_names_the_best_and_the_next():
    ranking = rank_places(float, {"a": 0.2, "b": 0.6, "c": 0.5})
    assert (ranking.best, ranking.runner_up, ranking.decided) == ("b", "c", False)
    assert rank_places(float, {"a": 0.2, "b": 0.6}).decided
    assert not rank_places(float, {"a": 0.6}).decided
    with pytest.raises(MedSynthError, match="one shape"):
        image_agreement(np.zeros((3, 4, 5)), np.zeros((3, 4, 6)))
