"""``medsynth study quality``: MS-SSIM, Frechet and kernel distance of samples, beside those of real halves.

Every row is compared with the same half of the real training patients, at the same number of images;
the row ``real`` puts the other half there, which is what two real sets of this size reach. Baselines
are trained here, on all training patients, as the run was, and their images are calibrated as its are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tf_medsynth import runtime
from tf_medsynth.config.base import check
from tf_medsynth.config.families import BASELINES, NEEDS
from tf_medsynth.config.presets import Preset
from tf_medsynth.config.studies import POST_PROCESSING, StudyRow
from tf_medsynth.config.terms import check_terms
from tf_medsynth.data.slices import READ_IN_ORDER
from tf_medsynth.evaluation.features import Extractor, open_extractor
from tf_medsynth.metrics.arrays import known_mean
from tf_medsynth.metrics.distribution import frechet_distance, kernel_distance
from tf_medsynth.metrics.ms_ssim import measure_name, multiscale_similarity, scales_that_fit
from tf_medsynth.runs.published import open_published
from tf_medsynth.runs.run_directory import stage_directory
from tf_medsynth.studies import baselines, downstream
from tf_medsynth.studies.availability import Request, open_cohort, trained_on
from tf_medsynth.studies.real_slices import Images, slices_at, stacked
from tf_medsynth.studies.runner import Unit, Work, units_of
from tf_medsynth.studies.training import finished_hashes

MOST = 1000
"""Images of each set: what is held in memory."""


def prepare_units(request: Request, rows: Sequence[StudyRow]) -> tuple[list[Unit], Work]:
    """The study's units, all checked, and what runs one of them.

    Raises:
        MedSynthError: too few real patients for two halves, too few samples, an unusable extractor,
            settings of a baseline that do not fit, or no stage that it needs.
    """
    given = baselines.said_of_each(request.overrides)
    extra = sorted(key for key in given if key.partition(".")[0] not in ("features", "count", *BASELINES))
    rule = "settings of a study of quality are features, count and those of baselines"
    check(rule, not extra, "E.g. baseline.training.steps=400.", received=extra)
    runtime.configure(precision="float32")
    cohort = open_cohort(trained_on(request.run))
    file = given.get("features")
    extractor = open_extractor(Path(str(file))) if file else None
    count = int(given.get("count", MOST))
    check("count lies in 2 .. 1000", 2 <= count <= MOST, count=count)
    check("two real halves need 2 patients", len(cohort.train.patients) > 1, patients=cohort.train.patients)
    first, seeds = request.seeds
    halves = {seed: _halves(cohort, seed, count) for seed in range(first, first + seeds)}
    needed = max(len(half) for half, _ in halves.values())
    builder = _open_samples(request, needed) if any(_is_of_run(row) for row in rows) else None
    contenders = {row.baseline: _contender(request, row.baseline, given) for row in rows if row.baseline}
    config = {
        "study": "quality",
        "post_processing": POST_PROCESSING,
        "data": cohort.train.name,
        "data_fingerprint": cohort.train.fingerprint,
        "image_size": list(cohort.train.image_size),
        "extractor": extractor.describe() if extractor else None,
        "count": count,
        "measure": measure_name(scales_that_fit(*cohort.train.image_size)),
    }

    def own(row: StudyRow) -> dict[str, Any]:
        if row.baseline:
            return {"synthetic": None, **contenders[row.baseline].identity}
        return {"synthetic": _facts(builder) if _is_of_run(row) else None}

    names = cohort.train.domain.channel_names()

    def work(unit: Unit) -> dict[str, Any]:
        watch, trained = runtime.Stopwatch(), 0.0
        one, other = (slices_at(cohort.train, numbers) for numbers in halves[unit.seed])
        shown = other
        if _is_of_run(unit.row):
            shown = _samples(builder, len(other["images"]))
        elif unit.row.baseline:
            by = contenders[unit.row.baseline]
            images, trained = baselines.trained_images(
                "quality", request, by.held, by.stages, unit, len(other["images"])
            )
            shown = {"images": images}
        if unit.row.overrides.get("crop") == "lesion":
            one, other, shown = _cropped(one), _cropped(other), _cropped(shown)
        result = compare(one["images"], shown["images"][: len(other["images"])], extractor, unit.seed, names)
        words = ", ".join(f"{name} {value:.4g}" for name, value in result["mean"].items())
        return {
            **result,
            "words": words,
            "seconds": {"training": trained, "evaluation": watch.seconds - trained},
        }

    return units_of(request.out, request.seeds, rows, config, own), work


@dataclasses.dataclass(frozen=True)
class _Contender:
    """A baseline and how it is trained.

    Attributes:
        held: config of the run's stage M, which says what data the run is of.
        identity: what decides its images beside the data and the seed.
    """

    held: Mapping[str, Any]
    stages: Preset
    identity: Mapping[str, Any]


def _contender(request: Request, name: str, given: Mapping[str, Any]) -> _Contender:
    held = stage_directory(request.run, "multimodal").config()
    data = {"data": held["data_settings"], "operators": held["operators"]}
    stages = Preset.from_dict({**data, **baselines.baseline_settings(request, held)})
    stages = stages.override({key: v for key, v in given.items() if key.partition(".")[0] == name})
    check_terms(getattr(stages, name))
    identity = {
        "settings": getattr(stages, name).to_dict(),
        "reused": finished_hashes(request.run, NEEDS.get(name, ())),
        "precision": request.precision,
    }
    return _Contender(held, stages, identity)


def _is_of_run(row: StudyRow) -> bool:
    return row.name.startswith("run")


def _open_samples(request: Request, needed: int) -> Any:
    """The run's samples; raises where they are fewer than `needed`."""
    builder = open_published(request.synthetic or request.run / "synthetic")
    held = builder.info.splits["train"].num_examples
    remedy = f"Generate more, or pass --set count={held}."
    check("every row shows as many images as a real half", held >= needed, remedy, needed=needed, held=held)
    return builder


def _facts(builder: Any) -> dict[str, Any]:
    return {"samples": builder.info.splits["train"].num_examples, **dict(builder.info.metadata or {})}


def compare(
    real: Images, shown: Images, extractor: Extractor | None, seed: int, channels: Sequence[str]
) -> dict[str, Any]:
    """Measures of a set beside a real one, with as many images of each; `channels` names those of an image.

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
        one, other = (extractor.features([images], channels) for images in (real, shown))
        enough = [name for name in one if n > one[name].shape[1]]
        mean["fid"] = known_mean([frechet_distance(one[name], other[name]) for name in enough])
        mean["kid"] = known_mean([kernel_distance(one[name], other[name]).estimate for name in one])
    return {"n": n, "mean": mean}


def _halves(cohort: downstream.Cohort, seed: int, count: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Numbers of as many slices, at most `count`, of each half of the training patients, by the seed."""
    rng = np.random.default_rng(seed)
    patients = rng.permutation(cohort.train.patients)
    in_first = np.isin(cohort.owners, patients[: len(patients) // 2])
    halves = [rng.permutation(np.flatnonzero(side)) for side in (in_first, ~in_first)]
    n = min(count, *map(len, halves))
    return halves[0][:n], halves[1][:n]


def _samples(builder: Any, count: int) -> dict[str, Any]:
    stored = builder.as_dataset(split="train", shuffle_files=False, read_config=READ_IN_ORDER)
    return stacked(list(stored.take(count).as_numpy_iterator()))


def _cropped(held: Mapping[str, Any]) -> dict[str, Any]:
    """What shows a lesion, with everything else 0 (the papers' "tumour only")."""
    lesion = held["lesion_label"] > 0
    shown = lesion.any(axis=(1, 2, 3))
    check("lesion crops need slices with a lesion", bool(shown.any()), slices=len(shown))
    return {"images": held["images"][shown] * lesion[shown], "lesion_label": held["lesion_label"][shown]}
