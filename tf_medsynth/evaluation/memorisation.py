"""Is a sample a copy of a training patient? Nearest neighbours in three spaces, and membership inference.

Held-out real patients are the measure: what lies nearer to the training set than they do is called
a copy. Neighbouring slices of one patient are look-alikes, so a patient is in one set only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tf_medsynth.config.base import check
from tf_medsynth.data.mapped import stacked
from tf_medsynth.evaluation.features import Extractor
from tf_medsynth.metrics.descriptors import describe, noise_width
from tf_medsynth.metrics.lesion_crop import lesion_crops
from tf_medsynth.metrics.membership import copy_threshold, membership_auc
from tf_medsynth.metrics.nearest import ImageIndex, Progress, nearest_features

FALSE_ALARM = 0.01
VIEWS = 2
"""Of each image to an extractor: as it is, and mirrored left to right."""


@dataclasses.dataclass(frozen=True, eq=False)
class DescribedSet:
    """What of n images is compared, as `described` makes it."""

    fine: NDArray[np.int8]  # (n, H, W, M), of `metrics.descriptors`
    lesion: NDArray[np.int8] | None = None  # (k, S, S, M), the same of the squares around lesions
    lesion_rows: NDArray[np.int64] | None = None  # (k,), of the image each was cut from
    features: NDArray[np.float32] | None = None  # (n, VIEWS, d)
    patients: NDArray[np.str_] | None = None  # (n,); needed of real images
    keys: NDArray[np.str_] | None = None  # (n,)

    def __len__(self) -> int:
        return len(self.fine)


def described(
    batches: Iterable[Mapping[str, Any]],
    extractor: Extractor | None = None,
    modalities: tuple[str, ...] = (),
) -> DescribedSet:
    """What of a stream of images is compared; one batch of them in memory, the rest in temporary files.

    Args:
        batches: ``images`` `(b, H, W, M)` in [0, 1]; where known ``lesion_label`` `(b, H, W)` or
            `(b, H, W, 1)` class codes, ``patient`` and ``key`` `(b,)` text.
        extractor: of features; without one they are not compared.
        modalities: names of the M channels, which an extractor needs.

    Raises:
        MedSynthError: no images, or such that cannot be described or seen by the extractor.
    """
    return DescribedSet(**stacked(_described(batches, extractor, modalities)))


def _described(
    batches: Iterable[Mapping[str, Any]], extractor: Extractor | None, modalities: tuple[str, ...]
) -> Iterator[dict[str, NDArray[Any]]]:
    """The fields of `DescribedSet`, batch by batch."""
    start = 0
    for batch in batches:
        images = batch["images"]
        found = {
            f"{name}s": np.asarray(batch[name]).astype(str) for name in ("patient", "key") if name in batch
        }
        found["fine"] = describe(images).fine
        if "lesion_label" in batch:
            crops = lesion_crops(images, batch["lesion_label"])
            width = noise_width(images.shape[1:3])
            found["lesion"] = (
                describe(crops.images, width).fine if len(crops.rows) else crops.images.astype(np.int8)
            )
            found["lesion_rows"] = start + crops.rows
        if extractor is not None:
            views = (extractor.features([view], modalities) for view in (images, images[:, :, ::-1]))
            found["features"] = np.stack(
                [np.concatenate(list(seen.values()), axis=1) for seen in views], axis=1
            )
        start += len(images)
        yield found


class _Found(NamedTuple):
    """Nearest training rows of some rows of a set."""

    rows: NDArray[np.int64]
    distance: NDArray[np.float64]
    nearest: NDArray[np.int64]


def memorisation(
    samples: DescribedSet,
    training: DescribedSet,
    heldout: DescribedSet,
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
        "pixel": _pixel_space(samples, training, heldout, progress),
        "lesion": _lesion_space(samples, training, heldout, progress),
        "features": _feature_space(samples, training, heldout),
    }
    told = {n: _judged(s, len(samples), names, false_alarm) for n, s in spaces.items() if s}
    copies = np.zeros(len(samples), bool)
    for space in told.values():
        copies |= [d is not None and d < space["threshold"] for d in space["distance"]]
    return {
        "counts": {
            "samples": len(samples),
            "training": len(training),
            "training_patients": len(set(names[0])),
            "heldout": len(heldout),
            "heldout_patients": len(set(names[1])),
        },
        "false_alarm": false_alarm,
        "spaces": told,
        "copies": int(copies.sum()),
        "copy_share": float(copies.mean()),
        "membership": _membership(samples, training, heldout, names, seed, progress),
    }


def _pixel_space(
    samples: DescribedSet, training: DescribedSet, heldout: DescribedSet, progress: Progress | None
) -> tuple[_Found, _Found]:
    index = ImageIndex(training.fine)
    first, second = (_found(index, one.fine, np.arange(len(one)), progress) for one in (samples, heldout))
    return first, second


def _lesion_space(
    samples: DescribedSet, training: DescribedSet, heldout: DescribedSet, progress: Progress | None
) -> tuple[_Found, _Found] | None:
    """None where one of the sets has no labels, or shows no lesion."""
    crops = [(s.lesion, s.lesion_rows) for s in (samples, training, heldout)]
    (drawn, rows), (held, of), (others, other_rows) = crops
    if any(crop is None or not len(crop) for crop, _ in crops):
        return None
    assert drawn is not None and held is not None and others is not None
    assert rows is not None and of is not None and other_rows is not None
    index = ImageIndex(held)
    found = (_found(index, drawn, rows, progress), _found(index, others, other_rows, progress))
    first, second = (one._replace(nearest=of[one.nearest]) for one in found)
    return first, second


def _feature_space(
    samples: DescribedSet, training: DescribedSet, heldout: DescribedSet
) -> tuple[_Found, _Found] | None:
    """By the nearest view of samples and held-out images; None where one of the sets has no features."""
    views = [one.features.swapaxes(0, 1) for one in (samples, heldout) if one.features is not None]
    if len(views) < 2 or training.features is None:
        return None
    reference = training.features[:, 0]
    found = [nearest_features(seen, reference) for seen in views]
    first, second = (_Found(np.arange(len(apart)), apart, near) for apart, near in found)
    return first, second


def _found(
    index: ImageIndex, fine: NDArray[np.int8], rows: NDArray[np.int64], progress: Progress | None
) -> _Found:
    near = index.nearest_described(fine, progress=progress)
    return _Found(rows, near.distance, near.nearest)


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
    samples: DescribedSet,
    training: DescribedSet,
    heldout: DescribedSet,
    names: list[NDArray[np.str_]],
    seed: int,
    progress: Progress | None,
) -> dict[str, Any]:
    index = ImageIndex(samples.fine)
    members, others = (
        index.nearest_described(one.fine, progress=progress).distance for one in (training, heldout)
    )
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


def _patients(one: DescribedSet, name: str) -> NDArray[np.str_]:
    check(f"each {name} image needs its patient", one.patients is not None, images=len(one), patients=None)
    assert one.patients is not None
    return one.patients
