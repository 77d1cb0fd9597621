"""Is a sample a copy of a training patient? Nearest neighbours in three spaces, and membership inference.

Held-out real patients are the measure: what lies nearer to the training set than they do is called
a copy. Neighbouring slices of one patient are look-alikes, so a patient is in one set only.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tf_medsynth.config.base import check
from tf_medsynth.metrics.descriptors import noise_width
from tf_medsynth.metrics.lesion_crop import lesion_crops
from tf_medsynth.metrics.membership import copy_threshold, membership_auc
from tf_medsynth.metrics.nearest import ImageIndex, Progress, nearest_features

FALSE_ALARM = 0.01


class ImageSet(NamedTuple):
    """Images with what is known of them, one row an image."""

    images: Any  # (n, H, W, M) in [0, 1]: an array, or anything sliced like one
    lesion_label: NDArray[Any] | None = None  # (n, H, W) or (n, H, W, 1) class codes
    patients: NDArray[Any] | None = None  # (n,) names; needed of real images
    features: NDArray[Any] | None = None  # (n, d), or of samples (v, n, d) for v views of each


class _Found(NamedTuple):
    """Nearest training rows of some rows of a set."""

    rows: NDArray[np.int64]
    distance: NDArray[np.float64]
    nearest: NDArray[np.int64]


def memorisation(
    samples: ImageSet,
    training: ImageSet,
    heldout: ImageSet,
    false_alarm: float = FALSE_ALARM,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """How near samples lie to their training set, beside real patients who were not in it.

    Args:
        samples: synthetic images.
        training: real images that the generator was trained on, with patients.
        heldout: real images of other patients, of the same kind.
        false_alarm: share of held-out images that may lie below the threshold.
        seed: of the bootstrap.
        progress: shows how far it is, like `runtime.progress`.

    Returns:
        JSON values. ``counts``; ``false_alarm``; ``spaces``: for ``pixel``, and where all three sets
        have labels or features for ``lesion`` and ``features``: ``threshold``, ``judged`` (samples
        that have a distance there), ``copies`` and ``copy_share`` (nearer than the threshold), the
        quantiles of ``samples`` and ``heldout``, and for each sample ``distance``, ``nearest``
        (training row) and ``nearest_patient``, None where it shows no lesion; ``copies`` and
        ``copy_share`` in any space; ``membership``: AUC of training against held-out images by
        distance to the samples, with its interval (0.5: no leak).

    Raises:
        MedSynthError: a patient in both real sets, images of several sizes, an empty set.
    """
    names = [_patients(training, "training"), _patients(heldout, "held-out")]
    shared = sorted(set(names[0]) & set(names[1]))
    check("no patient may be both in training and held out", not shared, "Split anew.", patients=shared)
    spaces: dict[str, tuple[_Found, _Found] | None] = {
        "pixel": _pixel_space(samples, training, heldout, progress)
    }
    spaces["lesion"] = _lesion_space(samples, training, heldout)
    spaces["features"] = _feature_space(samples, training, heldout)
    told = {n: _judged(s, len(samples.images), names, false_alarm) for n, s in spaces.items() if s}
    copies = np.zeros(len(samples.images), bool)
    for space in told.values():
        copies |= [d is not None and d < space["threshold"] for d in space["distance"]]
    return {
        "counts": {
            "samples": len(samples.images),
            "training": len(training.images),
            "training_patients": len(set(names[0])),
            "heldout": len(heldout.images),
            "heldout_patients": len(set(names[1])),
        },
        "false_alarm": false_alarm,
        "spaces": told,
        "copies": int(copies.sum()),
        "copy_share": float(copies.mean()),
        "membership": _membership(samples, training, heldout, names, seed, progress),
    }


def _pixel_space(
    samples: ImageSet, training: ImageSet, heldout: ImageSet, progress: Progress | None
) -> tuple[_Found, _Found]:
    index = ImageIndex.of(training.images, progress=progress)
    return _found(index, samples.images, progress), _found(index, heldout.images, progress)


def _lesion_space(samples: ImageSet, training: ImageSet, heldout: ImageSet) -> tuple[_Found, _Found] | None:
    """None where one of the sets has no labels, or shows no lesion."""
    sets = (samples, training, heldout)
    crops = [lesion_crops(s.images, s.lesion_label) for s in sets if s.lesion_label is not None]
    if len(crops) < len(sets) or not all(len(one.rows) for one in crops):
        return None
    index = ImageIndex.of(crops[1].images, sigma=noise_width(training.images.shape[1:3]))
    found = [_found(index, one.images) for one in (crops[0], crops[2])]
    of_samples, of_heldout = (
        _Found(one.rows, near.distance, crops[1].rows[near.nearest])
        for one, near in zip((crops[0], crops[2]), found, strict=True)
    )
    return of_samples, of_heldout


def _feature_space(samples: ImageSet, training: ImageSet, heldout: ImageSet) -> tuple[_Found, _Found] | None:
    """None where one of the sets has no features."""
    known = [one.features for one in (samples, training, heldout) if one.features is not None]
    if len(known) < 3:
        return None
    for one, features in zip((samples, training, heldout), known, strict=True):
        fits = features.shape[-2:-1] == (len(one.images),)
        check("each image needs its features", fits, features=features.shape, images=len(one.images))
    found = [nearest_features(features, known[1]) for features in (known[0], known[2])]
    first, second = (_Found(np.arange(len(apart)), apart, near) for apart, near in found)
    return first, second


def _found(index: ImageIndex, images: Any, progress: Progress | None = None) -> _Found:
    near = index.nearest(images, progress=progress)
    return _Found(np.arange(len(images)), near.distance, near.nearest)


def _judged(
    found: tuple[_Found, _Found], count: int, names: list[NDArray[np.str_]], false_alarm: float
) -> dict[str, Any]:
    """What is told of a space; `names` are the patients of the training and of the held-out rows."""
    (samples, heldout), (patients, others) = found, names
    threshold = copy_threshold(heldout.distance, others[heldout.rows], false_alarm)
    copies = int((samples.distance < threshold).sum())
    distance: list[float | None] = [None] * count
    nearest: list[int | None] = [None] * count
    for row, apart, near in zip(*samples, strict=True):
        distance[row], nearest[row] = float(apart), int(near)
    return {
        "threshold": threshold,
        "judged": len(samples.rows),
        "copies": copies,
        "copy_share": copies / len(samples.rows),
        "samples": _quantiles(samples.distance),
        "heldout": _quantiles(heldout.distance),
        "distance": distance,
        "nearest": nearest,
        "nearest_patient": [None if near is None else str(patients[near]) for near in nearest],
    }


def _membership(
    samples: ImageSet,
    training: ImageSet,
    heldout: ImageSet,
    names: list[NDArray[np.str_]],
    seed: int,
    progress: Progress | None,
) -> dict[str, Any]:
    index = ImageIndex.of(samples.images, progress=progress)
    members, others = (index.nearest(one.images, progress=progress).distance for one in (training, heldout))
    auc = membership_auc(members, names[0], others, names[1], seed=seed)
    return {
        "auc": auc.estimate,
        "low": auc.low,
        "high": auc.high,
        "training": _quantiles(members),
        "heldout": _quantiles(others),
    }


def _quantiles(distance: NDArray[np.float64]) -> dict[str, float]:
    shares = {"min": 0.0, "p01": 0.01, "p05": 0.05, "median": 0.5, "p95": 0.95, "max": 1.0}
    return {name: float(np.quantile(distance, share)) for name, share in shares.items()}


def _patients(one: ImageSet, name: str) -> NDArray[np.str_]:
    names = np.asarray([] if one.patients is None else one.patients).astype(str)
    check(
        f"each {name} image needs its patient",
        names.shape == (len(one.images),),
        images=len(one.images),
        patients=names.shape,
    )
    return names
