"""One chunk of candidates: drawn, labelled, rendered, measured and judged, cheapest test first.

A chunk is aligned: chunk g of size n holds candidates g*n .. g*n+n-1, each in its own row, and the
networks always see whole chunks. So a row's numbers do not depend on how many others were rejected.
"""

from __future__ import annotations

import numpy as np

from tf_medsynth.config.base import check
from tf_medsynth.config.generation import GenerationConfig
from tf_medsynth.generation import gates
from tf_medsynth.generation.fitting import fit_labels, labels_of_maps
from tf_medsynth.generation.labels import LabelPool
from tf_medsynth.generation.memorisation import TrainingReference
from tf_medsynth.generation.spool import Chunk, Record
from tf_medsynth.generation.synthesiser import Synthesiser
from tf_medsynth.imaging.contour import contour_error
from tf_medsynth.imaging.labels import LabelKind, label_kind


def compute_chunk(
    synthesiser: Synthesiser,
    labels: LabelPool,
    settings: GenerationConfig,
    seed: int,
    number: int,
    reference: TrainingReference | None = None,
) -> Chunk:
    """Chunk `number`, a pure function of the arguments; without a `reference` no copies are looked for.

    Raises:
        MedSynthError: the synthesiser breaks its contract: shapes, ranges, values that are not finite.
    """
    index = np.arange(number * settings.chunk, (number + 1) * settings.chunk, dtype=np.int64)
    records = [_new_record(int(k)) for k in index]
    domain = synthesiser.domain
    structure_map, background_mask = synthesiser.draw_maps(seed, index)
    _check_rows(synthesiser, structure_map=(structure_map, 1), background_mask=(background_mask, 1))
    _judge_contours(records, structure_map, background_mask, settings)
    kind = label_kind(domain)
    lesion_label = _label(records, labels, kind, (structure_map, background_mask), settings, seed)
    rows = _alive(records, settings)
    images = np.zeros((len(index), *synthesiser.image_size, domain.image_channels), np.float32)
    if rows:
        images = synthesiser.render(structure_map, background_mask, lesion_label, seed, index)
        _check_rows(synthesiser, images=(images, domain.image_channels))
    if rows and settings.measure:
        _judge_lesions(records, synthesiser, images, lesion_label, settings)
        if domain.num_modalities > 1:
            _judge_registration(records, synthesiser, images, settings)
        if reference is not None:
            _judge_copies(records, images, settings, reference)
    accepted = _alive(records, settings)
    for row in accepted:
        records[row]["accepted"] = True
    samples: dict[str, np.ndarray] = {
        "images": images[accepted].astype(np.float32, copy=False),
        # What the generator saw: the contour was judged whole, the lesion's lines are erased since.
        "structure_map": np.asarray(kind.erase(structure_map, lesion_label))[accepted].astype(np.uint8),
        "background_mask": background_mask[accepted].astype(np.uint8),
        "lesion_label": lesion_label[accepted].astype(np.uint8),
        "sample_index": index[accepted],
        **_score_arrays([records[row] for row in accepted]),
    }
    return Chunk(records, samples)


def _new_record(k: int) -> Record:
    return {
        "k": k,
        "accepted": False,
        "reason": None,
        "failed": [],
        "scores": {
            "contour_mae": None,
            "lesion_dice": None,
            "lesion_dice_by_modality": {},
            "lesion_dice_by_class": {},
            "lesion_found_px": None,
            "registration_shift_px": None,
            "registration_pair": None,
            "training_distance": None,
        },
        "label_source": None,
        "label_tries": 0,
        "lesion_pixels": {},
        "lesion_centroid": {},
    }


def _alive(records: list[Record], settings: GenerationConfig) -> list[int]:
    """Rows still in the running: without a filter all that have a label."""
    fatal = set(gates.REASONS) if settings.filter else {gates.LABEL}
    return [row for row, record in enumerate(records) if fatal.isdisjoint(record["failed"])]


def _fail(record: Record, reasons: list[str], settings: GenerationConfig) -> None:
    record["failed"] += reasons
    fatal = [reason for reason in record["failed"] if settings.filter or reason == gates.LABEL]
    record["reason"] = fatal[0] if fatal else None


def _judge_contours(
    records: list[Record], structure_map: np.ndarray, background_mask: np.ndarray, settings: GenerationConfig
) -> None:
    errors = contour_error(structure_map, background_mask, settings.contour.blur)
    for record, error in zip(records, errors, strict=True):
        record["scores"]["contour_mae"] = gates.rounded(float(error))
        if not gates.contour_passes(record["scores"]["contour_mae"], settings):
            _fail(record, [gates.CONTOUR], settings)


def _label(
    records: list[Record],
    labels: LabelPool,
    kind: LabelKind,
    maps: tuple[np.ndarray, np.ndarray],
    settings: GenerationConfig,
    seed: int,
) -> np.ndarray:
    """Labels `(n, ...)`, as their kind has them, one inside each organ still in the running; 0 in other rows.

    Args:
        maps: structure map and background mask.
    """
    wanted = np.zeros(len(records), bool)
    wanted[_alive(records, settings)] = True
    index = np.array([record["k"] for record in records], np.int64)
    if kind.follows_map:
        fitted = labels_of_maps(kind, *maps, wanted)
    else:
        fitted = fit_labels(labels, kind, maps[1], wanted, settings, seed, index)
    for row in np.flatnonzero(wanted):
        record, source = records[row], fitted.sources[row]
        record["label_tries"] = fitted.tries[row]
        if source is None:
            _fail(record, [gates.LABEL], settings)
        else:
            record |= {"label_source": source, **kind.describe(fitted.labels[row], *maps[1].shape[1:3])}
    return fitted.labels


def _judge_lesions(
    records: list[Record],
    synthesiser: Synthesiser,
    images: np.ndarray,
    lesion_label: np.ndarray,
    settings: GenerationConfig,
) -> None:
    segmented = synthesiser.segment(images)
    _check_rows(synthesiser, segmented=(segmented, synthesiser.domain.num_modalities))
    for row in _alive(records, settings):
        record = records[row]
        record["scores"] |= gates.lesion_scores(
            segmented[row],
            lesion_label[row, ..., 0],
            synthesiser.domain.modalities,
            synthesiser.domain.label.classes,
        )
        failures = gates.lesion_failures(record["scores"], record["lesion_pixels"], settings.lesion)
        _fail(record, failures, settings)


def _judge_registration(
    records: list[Record], synthesiser: Synthesiser, images: np.ndarray, settings: GenerationConfig
) -> None:
    for row in _alive(records, settings):
        record = records[row]
        record["scores"] |= gates.registration_scores(images[row], synthesiser.domain.modalities)
        if not gates.registration_passes(record["scores"], settings):
            _fail(record, [gates.REGISTRATION], settings)


def _judge_copies(
    records: list[Record], images: np.ndarray, settings: GenerationConfig, reference: TrainingReference
) -> None:
    rows = _alive(records, settings)
    if not rows:
        return
    for row, distance in zip(rows, reference.distances(images[rows]), strict=True):
        kept = gates.rounded(float(distance))
        records[row]["scores"]["training_distance"] = kept
        if kept is None or kept < reference.threshold:
            _fail(records[row], [gates.MEMORISED], settings)


def _score_arrays(records: list[Record]) -> dict[str, np.ndarray]:
    """The scores that go with a published sample, float32 `(a,)`, NaN where not measured."""
    scores = [record["scores"] for record in records]
    plain = ("contour_mae", "lesion_dice", "registration_shift_px", "training_distance")
    columns = {name: [s[name] for s in scores] for name in plain}
    worst = [min(s["lesion_dice_by_class"].values(), default=None) for s in scores]
    columns["lesion_dice_worst_class"] = worst
    return {name: np.array(values, np.float32) for name, values in columns.items()}


def _check_rows(synthesiser: Synthesiser, **arrays: tuple[np.ndarray, int]) -> None:
    """Raises unless each array has the promised size and channels and holds finite values."""
    for name, (array, channels) in arrays.items():
        check(
            f"the synthesiser's {name} has the promised shape",
            array.ndim == 4 and array.shape[1:] == (*synthesiser.image_size, channels),
            shape=array.shape,
            image_size=tuple(synthesiser.image_size),
        )
        low, high = float(array.min()), float(array.max())
        top = 1.0 if name != "segmented" else np.inf
        check(
            f"the synthesiser's {name} lies in [0, 1]",
            low >= 0.0 and high <= top,  # also false for NaN
            "A network that draws NaN was trained into the ground: go back to an earlier checkpoint.",
            minimum=low,
            maximum=high,
        )
