"""One row of the availability study: a segmentor is trained on a mix and scored on the test patients."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tf_medsynth import runtime
from tf_medsynth.config.base import check
from tf_medsynth.config.domain import Domain
from tf_medsynth.config.imaging import OperatorConfig
from tf_medsynth.config.presets import Preset
from tf_medsynth.config.studies import AvailabilitySettings
from tf_medsynth.data.batches import augmented
from tf_medsynth.data.mixing import (
    Pool,
    amount,
    mixed_batches,
    pools_of_real,
    schedule,
    synthetic_pool,
)
from tf_medsynth.data.slices import SliceSource
from tf_medsynth.evaluation.segmentation import measure_names, patient_scores
from tf_medsynth.metrics.arrays import known_mean
from tf_medsynth.runs.build import build_stage
from tf_medsynth.runs.fit import check_checkpoint_room, fit
from tf_medsynth.runs.run_directory import StageDirectory
from tf_medsynth.runtime.prepared_sets import domain_of
from tf_medsynth.stages.guides import LesionStage

_BATCH = 32


@dataclasses.dataclass(frozen=True)
class Cohort:
    """What every row of a study draws from and is scored on.

    Attributes:
        owners: whose slice each training slice is, in the stored order.
        synthetic: TFDS builder of the generated set, None where no row needs one.
    """

    train: SliceSource
    test: SliceSource
    owners: list[str]
    operators: OperatorConfig
    synthetic: Any = None


def pools_of(cohort: Cohort, settings: AvailabilitySettings, seed: int) -> list[Pool]:
    """What a row is mixed of; amounts are in multiples of the number of training slices."""
    pools = pools_of_real(cohort.train, cohort.owners, settings, seed)
    if settings.mix.synthetic:
        pools.append(synthetic_pool(cohort.synthetic, amount(settings.mix.synthetic, cohort.train.count)))
    return pools


def train_and_score(
    cohort: Cohort, settings: AvailabilitySettings, seed: int, precision: str, directory: StageDirectory
) -> dict[str, Any]:
    """What a row's segmentor reaches on each test patient; trained from where `directory` stands."""
    runtime.forget_models()  # or memory would grow by every row
    runtime.configure(seed=seed, precision=precision)  # type: ignore[arg-type]
    training = settings.segmentor.training
    train, preset = cohort.train, Preset(lesion=settings.segmentor)
    stage = build_stage("lesion", preset, cohort.operators, train.domain, train.image_size, seed)
    assert isinstance(stage, LesionStage)
    check_checkpoint_room(stage, directory)
    pools = pools_of(cohort, settings, seed)
    order = schedule(pools, settings.mix, training.steps, training.batch_size, seed)
    between = functools.partial(
        mixed_batches,
        pools,
        order,
        batch_size=training.batch_size,
        seed=seed,
        shuffle_buffer=cohort.train.settings.shuffle_buffer,
        steps=(augmented(training.augment, cohort.train.domain, seed, "training of segmentor"),)
        if training.augment
        else (),
    )
    watch = runtime.Stopwatch()
    losses = fit(stage, training, between, directory, directory, runtime.strategy())
    trained = watch.seconds
    patients = score(stage, cohort.test)
    names = measure_names("mm", cohort.test.domain.label.classes)
    return {
        "amounts": {pool.kind: pool.facts for pool in pools},
        "presentations": {pool.kind: int((order == number).sum()) for number, pool in enumerate(pools)},
        "steps": training.steps,
        "batch_size": training.batch_size,
        "losses": losses,
        "patients": patients,
        "mean": {name: known_mean([scores[name] for scores in patients.values()]) for name in names},
        "seconds": {"training": trained, "evaluation": watch.seconds - trained},
    }


def score(stage: LesionStage, test: SliceSource) -> dict[str, dict[str, float]]:
    """`patient_scores` in mm of each test patient; of several segmentors, the mean of their scores."""
    placed = ("patient", "slice_index", "spacing")
    stored = test.stored().map(lambda e: {**test.normalised(e), **{key: e[key] for key in placed}})
    rows: dict[str, list[dict[str, Any]]] = {}
    for batch in stored.batch(_BATCH).as_numpy_iterator():
        found, probability = (np.asarray(part) for part in stage.segment_surely(batch["images"]))
        for k, name in enumerate(batch["patient"].astype(str)):
            rows.setdefault(name, []).append(
                {
                    "place": int(batch["slice_index"][k]),
                    "spacing": batch["spacing"][k].tolist(),
                    "found": found[k].astype(np.uint8),
                    "probability": probability[k],
                    "label": batch["lesion_label"][k, ..., 0].astype(np.uint8),
                }
            )
    return {name: _volume_scores(rows[name], test.domain.label.classes) for name in sorted(rows)}


def _volume_scores(slices: Sequence[Mapping[str, Any]], classes: Sequence[str]) -> dict[str, float]:
    """Of one patient, whose slices come in any order; those that were not stored hold nothing."""
    places = np.array([held["place"] for held in slices])
    volume = {
        name: np.zeros((int(np.ptp(places)) + 1, *slices[0][name].shape), slices[0][name].dtype)
        for name in ("found", "probability", "label")
    }
    for held in slices:
        for name, array in volume.items():
            array[held["place"] - places.min()] = held[name]
    spacing = slices[0]["spacing"]
    return mean_scores(volume["found"], volume["probability"], volume["label"], classes, spacing)


def mean_scores(
    found: NDArray[Any],
    probability: NDArray[Any],
    label: NDArray[Any],
    classes: Sequence[str],
    spacing: Sequence[float] | None = None,
) -> dict[str, float]:
    """`patient_scores` of each segmentor, averaged; `found`, `probability` are `(n, H, W, segmentors)`."""
    each = [
        patient_scores(found[..., net], probability[..., net], label, classes, spacing)
        for net in range(found.shape[-1])
    ]
    return {name: known_mean([scores[name] for scores in each]) for name in each[0]}


def check_synthetic(builder: Any, cohort: Cohort, model: str, needed: int, command: str) -> dict[str, Any]:
    """What names the synthetic set; raises unless rows can be mixed with it.

    Args:
        model: hash of the run's model, whose training patients are known.
        needed: samples of the row that takes most.
        command: that makes a set that is large enough.

    Raises:
        MedSynthError: too few samples, another model's, other sizes, modalities or label classes.
    """
    info = builder.info
    metadata: Mapping[str, Any] = dict(info.metadata or {})
    held = info.splits["train"].num_examples
    check("the synthetic set is too small for these rows", held >= needed, command, needed=needed, held=held)
    check_label(domain_of(builder), cohort.train.domain, "synthetic")
    shape = tuple(info.features["images"].shape)
    wanted = tuple(cohort.train.builder.info.features["images"].shape)
    check(
        "synthetic and real slices have one size and the same modalities",
        shape == wanted,
        "Generate from a run that was trained on these data.",
        synthetic=shape,
        real=wanted,
    )
    check(
        "the synthetic set was drawn by the model of --run, whose training patients are known",
        metadata.get("model_hash") == model,
        "Name the run that it was generated from.",
        synthetic=metadata.get("model_hash"),
        run=model,
    )
    kept = ("model_hash", "seed", "settings", "labels")
    return {"samples": held, **{name: metadata.get(name) for name in kept}}


def check_label(domain: Domain, wanted: Domain, name: str) -> None:
    """Raises unless the labels of the data set `name` are of the kind and classes of `wanted`."""
    check(
        f"the {name} labels have other classes",
        domain.label == wanted.label,
        "Prepare or generate the data with this package.",
        received=domain.label.classes,
        known=wanted.label.classes,
    )
