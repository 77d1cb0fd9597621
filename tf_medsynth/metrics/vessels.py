"""Scores of a vessel segmentation inside the field of view, by the pixels of all images together."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import roc_auc_score

from tf_medsynth.config.base import check
from tf_medsynth.metrics.arrays import as_mask


class VesselScores(TypedDict):
    """Each in [0, 1]; NaN where it does not exist."""

    sensitivity: float
    specificity: float
    accuracy: float
    auc: float


def vessel_scores(
    probability: ArrayLike, label: ArrayLike, field_of_view: ArrayLike, threshold: float = 0.5
) -> VesselScores:
    """Sensitivity, specificity, accuracy at `threshold`, and the area under the ROC curve.

    Pixels outside of the field of view do not count: they are right in any answer, and would flatter it.

    Args:
        probability: `(B, H, W)` or `(B, H, W, 1)`, finite, of a vessel; at the threshold counts as one.
        label: of the same shape, 0 or 1, 1 on a vessel.
        field_of_view: of the same shape, 0 or 1, 1 where the eye is seen.
        threshold: in the unit of `probability`.

    Raises:
        MedSynthError: shapes that do not fit, values that are not finite, or not 0 and 1, an empty field.

    Source: Qu et al. (thesis), table of DRIVE: Sens, Acc, AUC.
    Deviates: they do not say whether pixels outside of the field of view count; here they do not.
    """
    scores, truth = _inside(probability, label, field_of_view)
    called = scores >= threshold
    positives, negatives = int(truth.sum()), int((~truth).sum())
    both = bool(positives and negatives)
    return {
        "sensitivity": float(called[truth].mean()) if positives else float("nan"),
        "specificity": float((~called[~truth]).mean()) if negatives else float("nan"),
        "accuracy": float((called == truth).mean()),
        "auc": float(roc_auc_score(truth, scores)) if both else float("nan"),
    }


def _inside(
    probability: ArrayLike, label: ArrayLike, field_of_view: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Scores and truths of the pixels in the field of view, each `(n,)`."""
    values = np.asarray(probability, np.float64)
    values = values[..., 0] if values.ndim == 4 and values.shape[-1] == 1 else values
    check(
        "probabilities of a vessel have shape (B, H, W) and are finite",
        values.ndim == 3 and bool(np.isfinite(values).all()),
        shape=values.shape,
    )
    truth = as_mask(label, values.shape, "label")
    inside = as_mask(field_of_view, values.shape, "field_of_view")
    check("the field of view holds a pixel", bool(inside.any()), shape=values.shape)
    return values[inside], truth[inside]
