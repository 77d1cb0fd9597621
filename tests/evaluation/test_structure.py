import cv2
import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from tf_medsynth.evaluation import structure
from tf_medsynth.types import MedSynthError


def ring(gap: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """An outline of 2 px with `gap` rows missing, and the mask that is 1 outside it."""
    lines = np.zeros((1, 48, 48, 1), np.float32)
    cv2.circle(lines[0, ..., 0], (24, 24), 15, 1.0, 2)
    filled = np.zeros((48, 48), np.uint8)
    cv2.circle(filled, (24, 24), 17, 1, cv2.FILLED)
    if gap:
        lines[0, 24 - gap // 2 : 24 + gap // 2, 24:] = 0
    return lines, 1.0 - filled[None, ..., None].astype(np.float32)


def test_closed_outlines_pass_and_open_ones_do_not() -> None:
    (closed, mask), (opened, _) = ring(), ring(gap=12)
    maps, masks = np.concatenate([closed, opened]), np.concatenate([mask, mask])
    assert structure.contour_pass_rate(maps, masks) == 0.5
    assert structure.contour_pass_rate(maps, masks, threshold=1.0) == 1.0


def test_line_share_by_hand_with_and_without_the_outline() -> None:
    lines, mask = ring()
    inside = mask == 0
    assert structure.line_share(lines, mask)[0] == pytest.approx(lines[inside].mean())
    assert structure.line_share(lines, mask, margin=0.12)[0] == 0.0
    assert np.isnan(structure.line_share(lines, np.ones_like(mask))[0])


def test_blobs_are_thicker_than_lines() -> None:
    _, mask = ring()
    thin, blob = np.zeros_like(mask), np.zeros_like(mask)
    thin[0, 15:33, 23:25], blob[0, 18:30, 18:30] = 1, 1
    thickness = structure.line_thickness(np.concatenate([thin, blob]), np.concatenate([mask, mask]))
    assert thickness[0] == pytest.approx(2, abs=0.3)
    assert thickness[1] > 4
    assert np.isnan(structure.line_thickness(0 * thin, mask)[0])


def test_distances_agree_with_scipy() -> None:
    maps = np.random.default_rng(0).integers(2, size=(7, 6, 5, 1))
    others = np.random.default_rng(1).integers(2, size=(9, 6, 5, 1))
    flat, pool = maps.reshape(7, -1), others.reshape(9, -1)
    assert structure.mean_pairwise_distance(maps) == pytest.approx(pdist(flat, "hamming").mean())
    wanted = cdist(flat, pool, "hamming").min(axis=1)
    np.testing.assert_allclose(structure.nearest_distance(maps, others, chunk=3), wanted, rtol=1e-6)
    assert structure.nearest_distance(maps, maps).max() == 0.0
    assert np.isnan(structure.mean_pairwise_distance(maps[:1]))


def test_quality_puts_generated_beside_real() -> None:
    (closed, mask), (opened, _) = ring(), ring(gap=12)
    empty = np.ones_like(mask)
    quality = structure.structure_quality(
        np.concatenate([closed, opened, opened]),
        np.concatenate([mask, mask, empty]),
        closed,
        mask,
        training=closed,
    )
    assert quality["contour_pass_rate"] == {"generated": pytest.approx(1 / 3), "real": 1.0}
    assert quality["nearest_training_distance"]["real"] == 0.0
    assert quality["without_organ"] == 1
    assert quality["line_share_ratio"] < 1.0


def test_soft_maps_are_refused() -> None:
    lines, mask = ring()
    with pytest.raises(MedSynthError, match="only 0 and 1"):
        structure.line_share(0.5 * lines, mask)
