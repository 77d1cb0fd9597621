"""``medsynth study quality``: MS-SSIM, Frechet and kernel distance of samples, beside those of real halves.

Every row is compared with the same half of the real training patients, at the same number of images;
the row ``real`` puts the other half there, which is what two real sets of this size reach.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tf_medsynth import runtime
from tf_medsynth.config.base import check
from tf_medsynth.config.studies import StudyRow
from tf_medsynth.data.slices import READ_IN_ORDER
from tf_medsynth.evaluation.features import Extractor, open_extractor
from tf_medsynth.experiments.published import open_published
from tf_medsynth.experiments.study import downstream
from tf_medsynth.experiments.study.availability import Request, open_cohort, trained_on
from tf_medsynth.experiments.study.runner import Unit, Work, units_of
from tf_medsynth.metrics.arrays import known_mean
from tf_medsynth.metrics.distribution import frechet_distance, kernel_distance
from tf_medsynth.metrics.ms_ssim import measure_name, multiscale_similarity, scales_that_fit

MOST = 1000
"""Images of each set: what is held in memory."""
_BATCH = 32

Images = NDArray[np.float32]


def prepare_units(request: Request, rows: Sequence[StudyRow]) -> tuple[list[Unit], Work]:
    """The study's units, all checked, and what runs one of them.

    Raises:
        MedSynthError: too few real patients for two halves, no samples, an unusable extractor.
    """
    known = {"features", "count"}
    extra = sorted(set(request.overrides) - known)
    check("settings of a study of quality are features and count", not extra, received=extra)
    runtime.configure(precision="float32")
    cohort = open_cohort(trained_on(request.run))
    file = request.overrides.get("features")
    extractor = open_extractor(Path(str(file))) if file else None
    count = int(request.overrides.get("count", MOST))
    check("count lies in 2 .. 1000", 2 <= count <= MOST, count=count)
    check("two real halves need 2 patients", len(cohort.train.patients) > 1, patients=cohort.train.patients)
    drawn = [row for row in rows if row.name.startswith("run")]
    folder = request.synthetic or request.run / "synthetic"
    builder = open_published(folder) if drawn else None
    config = {
        "study": "quality",
        "data": cohort.train.name,
        "data_fingerprint": cohort.train.fingerprint,
        "image_size": list(cohort.train.image_size),
        "extractor": extractor.describe() if extractor else None,
        "count": count,
        "measure": measure_name(scales_that_fit(*cohort.train.image_size)),
    }
    facts = None
    if builder is not None:
        facts = {"samples": builder.info.splits["train"].num_examples, **dict(builder.info.metadata or {})}

    def own(row: StudyRow) -> dict[str, Any]:
        return {"synthetic": facts if row in drawn else None}

    def work(unit: Unit) -> dict[str, Any]:
        watch = runtime.Stopwatch()
        one, other = _halves(cohort, unit.seed, count)
        shown = _samples(builder, count) if unit.row in drawn else other
        if unit.row.overrides.get("crop") == "lesion":
            one, shown = _cropped(one), _cropped(shown)
        result = compare(one["images"], shown["images"], extractor, unit.seed)
        words = ", ".join(f"{name} {value:.4g}" for name, value in result["mean"].items())
        seconds = {"training": 0.0, "evaluation": watch.seconds}
        return {**result, "words": words, "seconds": seconds}

    return units_of(request.out, request.seeds, rows, config, own), work


def compare(real: Images, shown: Images, extractor: Extractor | None, seed: int) -> dict[str, Any]:
    """Measures of a set beside a real one, with as many images of each.

    Returns:
        ``n`` and ``mean``: ``ms_ssim`` of random pairs of one each; with an extractor ``fid`` and
        ``kid``, means over what it sees of a modality, NaN where n does not exceed the features.
    """
    n = min(len(real), len(shown))
    check("too few images to compare", n >= 2, real=len(real), shown=len(shown))
    rng = np.random.default_rng(seed)
    real, shown = (images[rng.permutation(len(images))[:n]] for images in (real, shown))
    mean = {"ms_ssim": float(multiscale_similarity(shown, real).mean())}
    if extractor is not None:
        one, other = (extractor.features([images]) for images in (real, shown))
        enough = [name for name in one if n > one[name].shape[1]]
        mean["fid"] = known_mean([frechet_distance(one[name], other[name]) for name in enough])
        mean["kid"] = known_mean([kernel_distance(one[name], other[name]).estimate for name in one])
    return {"n": n, "mean": mean}


def _halves(cohort: downstream.Cohort, seed: int, count: int) -> tuple[dict[str, Any], dict[str, Any]]:
    patients = np.random.default_rng(seed).permutation(cohort.train.patients)
    first = set(patients[: len(patients) // 2].tolist())
    halves: tuple[list[Any], list[Any]] = ([], [])
    for example in cohort.train.examples(names=True).as_numpy_iterator():
        half = halves[example["patient"].decode() not in first]
        if len(half) < count:
            half.append(example)
    return _stacked(halves[0]), _stacked(halves[1])


def _samples(builder: Any, count: int) -> dict[str, Any]:
    stored = builder.as_dataset(split="train", shuffle_files=False, read_config=READ_IN_ORDER)
    return _stacked(list(stored.take(count).as_numpy_iterator()))


def _stacked(examples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {name: np.stack([example[name] for example in examples]) for name in ("images", "lesion_label")}


def _cropped(held: Mapping[str, Any]) -> dict[str, Any]:
    """What shows a lesion, with everything else 0 (the papers' "tumour only")."""
    lesion = held["lesion_label"] > 0
    shown = lesion.any(axis=(1, 2, 3))
    check("lesion crops need slices with a lesion", bool(shown.any()), slices=len(shown))
    return {"images": held["images"][shown] * lesion[shown], "lesion_label": held["lesion_label"][shown]}
