import numpy as np
import pytest

from tf_medsynth.metrics.arrays import as_images, as_label_pair, as_mask, known_mean
from tf_medsynth.types import MedSynthError


def test_mask_with_or_without_channel_is_the_same() -> None:
    mask = np.random.default_rng(0).integers(2, size=(2, 3, 4))
    assert np.array_equal(as_mask(mask, (2, 3, 4)), as_mask(mask[..., None].astype(float), (2, 3, 4, 7)))


@pytest.mark.parametrize("value", [1.5, -0.1, np.nan, np.inf])
def test_images_outside_their_range_are_refused(value: float) -> None:
    with pytest.raises(MedSynthError, match="lie in"):
        as_images(np.full((1, 2, 2, 1), value))


def test_soft_mask_is_refused() -> None:
    with pytest.raises(MedSynthError, match="only 0 and 1"):
        as_mask(np.full((1, 2, 2), 0.5), (1, 2, 2))


def test_labels_must_be_known_integers_of_one_shape() -> None:
    label = np.zeros((1, 2, 2), np.int32)
    for wrong, rule in ((label + 0.5, "integer"), (label + 5, "codes 0 to 4"), (label[:, :1], "one shape")):
        with pytest.raises(MedSynthError, match=rule):
            as_label_pair(wrong, label, 5)


def test_known_mean_leaves_nan_out_and_does_not_warn() -> None:
    values = np.array([[1.0, np.nan], [3.0, np.nan]])
    assert known_mean(values) == 2.0
    assert np.array_equal(known_mean(values, axis=0), [2.0, np.nan], equal_nan=True)
    assert np.isnan(known_mean([]))
