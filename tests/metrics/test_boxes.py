import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from tf_medsynth.metrics.boxes import (
    Detections,
    Objects,
    average_precision,
    box_iou,
    mean_average_precision,
    mean_iou,
)
from tf_medsynth.types import MedSynthError

ONE, OTHER = (0, 0, 10, 10), (20, 20, 30, 30)


def test_overlap_by_hand_and_by_pixels() -> None:
    assert box_iou([ONE], [(0, 5, 10, 15)])[0, 0] == pytest.approx(50 / 150)
    random = np.random.default_rng(0)
    corners = random.integers(0, 15, (6, 2, 2))
    boxes = np.concatenate([corners.min(1), corners.max(1) + 1], axis=1)
    painted = np.zeros((6, 16, 16), bool)
    for k, (top, left, bottom, right) in enumerate(boxes):
        painted[k, top:bottom, left:right] = True
    flat = painted.reshape(6, -1).astype(float)
    shared = flat @ flat.T
    union = flat.sum(1)[:, None] + flat.sum(1)[None] - shared
    np.testing.assert_allclose(box_iou(boxes, boxes), shared / union)


def test_average_precision_by_hand() -> None:
    """Two objects; sure hit, false alarm, hit: precision 1, 1/2, 2/3, so the area is 1/2 + 1/3."""
    found = Detections([ONE, (40, 40, 50, 50), OTHER], [0.9, 0.8, 0.7], [1, 1, 1])
    assert average_precision([found], [Objects([ONE, OTHER], [1, 1])], 1) == pytest.approx(0.5 + 1 / 3)


def test_a_second_hit_of_one_object_is_a_false_alarm() -> None:
    found = Detections([ONE, ONE, OTHER], [0.9, 0.8, 0.7], [1, 1, 1])
    assert average_precision([found], [Objects([ONE, OTHER], [1, 1])], 1) == pytest.approx(0.5 + 1 / 3)


def test_without_interpolation_scikit_learn_agrees() -> None:
    """Where precision only falls, the area under both curves is the same."""
    truth = [1, 1, 1, 0, 0]
    boxes = [(k * 20, 0, k * 20 + 10, 10) for k in range(5)]
    scores = [0.9, 0.8, 0.7, 0.6, 0.5]
    objects = Objects([b for b, t in zip(boxes, truth, strict=True) if t], [1] * 3)
    wanted = average_precision_score(truth, scores)
    assert average_precision([Detections(boxes, scores, [1] * 5)], [objects], 1) == pytest.approx(wanted)


def test_classes_and_images_are_kept_apart() -> None:
    found = [Detections([ONE, ONE], [0.9, 0.8], [2, 1]), Detections([], [], [])]
    present = [Objects([ONE], [1]), Objects([OTHER], [2])]
    assert average_precision(found, present, 1) == 1.0
    assert average_precision(found, present, 2) == 0.0
    assert mean_average_precision(found, present) == 0.5
    assert mean_iou(found, present) == 0.5
    assert np.isnan(mean_average_precision([Detections([], [], [])], [Objects([], [])]))


def test_bad_boxes_are_told() -> None:
    with pytest.raises(MedSynthError, match="with an area"):
        box_iou([(10, 10, 0, 0)], [ONE])
    with pytest.raises(MedSynthError, match="its class"):
        mean_iou([Detections([ONE], [1.0], [])], [Objects([ONE], [1])])
    with pytest.raises(MedSynthError, match="each image"):
        mean_average_precision([], [Objects([ONE], [1])])
