"""What a study and an evaluation hold on disk: the rest of `config.records`."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from tf_medsynth.config.records import ByName, Measured


class IntervalRecord(TypedDict):
    """A mean with its 95 % interval."""

    estimate: Measured
    low: Measured
    high: Measured


class _Row(TypedDict):
    about: str
    overrides: NotRequired[dict[str, Any]]
    reference: NotRequired[ByName]
    mean: dict[str, IntervalRecord]


class _Verdict(TypedDict):
    claim: str
    verdict: Literal["held", "not held", "undecided", "not run"]
    origin: NotRequired[str | None]
    words: NotRequired[str]
    gap: NotRequired[Measured]
    low: NotRequired[Measured]
    high: NotRequired[Measured]


class _Worth(TypedDict):
    words: str


class _Curve(TypedDict):
    worth: NotRequired[dict[str, _Worth] | None]


class _StudyConfig(TypedDict):
    data: NotRequired[str]
    patients: NotRequired[list[str]]


class StudyRecord(TypedDict):
    """``study.json``, as the report shows it."""

    study: str
    fingerprint: str
    config: _StudyConfig
    seeds: list[int]
    cases: NotRequired[list[str]]
    cases_are: NotRequired[str]
    rows: dict[str, _Row]
    verdicts: dict[str, list[_Verdict]]
    against_row_1: NotRequired[dict[str, dict[str, IntervalRecord]]]
    learning_curve: NotRequired[_Curve | None]
    skipped: NotRequired[dict[str, str]]
    splits: NotRequired[list[dict[str, Any]]]
    words: NotRequired[str]


PatientScores = dict[str, ByName]


class _Amount(TypedDict):
    chosen_by: NotRequired[str | None]
    patients: NotRequired[list[str]]


class _PooledRow(TypedDict):
    patients: dict[str, PatientScores]
    amounts: NotRequired[dict[str, _Amount]]


class _PooledSettings(TypedDict):
    segmentor: dict[str, Any]
    enhanced: Any


class _PooledConfig(TypedDict):
    settings: _PooledSettings
    precision: str
    image_size: tuple[int, int]


class _UnitSeconds(TypedDict):
    total: float
    training: float
    evaluation: float


class _Time(TypedDict):
    of_units: _UnitSeconds


class PooledRecord(TypedDict):
    """``study.json`` of a study of availability, as pooling reads it."""

    study: str
    fingerprint: str
    config: _PooledConfig
    seeds: list[int]
    cases: list[str]
    rows: dict[str, _PooledRow]
    time: _Time


class _Result(TypedDict):
    row: str
    seed: int
    seconds: _UnitSeconds
    words: str


class ScoredResult(_Result):
    """``result.json`` of a row whose cases are scored one by one."""

    patients: PatientScores
    amounts: NotRequired[dict[str, _Amount]]


class QualityResult(_Result):
    """``result.json`` of a row of a study of quality."""

    n: int
    mean: ByName


class _Sides(TypedDict):
    generated: Measured
    real: Measured


class _Structure(TypedDict):
    contour_pass_rate: _Sides
    line_share: _Sides
    interior_line_share: NotRequired[_Sides]
    line_thickness: NotRequired[_Sides]
    mean_pairwise_distance: NotRequired[_Sides]
    nearest_training_distance: NotRequired[_Sides]
    generated_maps: int
    real_maps: int
    without_organ: int


class _Compared(TypedDict):
    synthetic: ByName
    real: ByName
    relative_difference: ByName


class _Quality(TypedDict):
    laplacian_ratio: ByName
    laplacian_ratio_interior: ByName
    intensity_mean: _Compared
    intensity_std: _Compared
    laplacian_ratio_same_maps: NotRequired[ByName]
    ssim: NotRequired[ByName]
    ssim_inside: NotRequired[ByName]
    mae: NotRequired[ByName]
    mae_inside: NotRequired[ByName]
    psnr: NotRequired[ByName]
    psnr_inside: NotRequired[ByName]
    real_images: int
    synthetic_images: int
    synthetic_without_organ: int


class _Shifts(TypedDict):
    median: Measured
    p95: Measured
    pairs: dict[str, ByName]
    images: int
    unmeasured: int


class _Registration(TypedDict):
    synthetic: _Shifts
    real: _Shifts


class _Realism(TypedDict):
    seed: int
    auc: Measured
    accuracy: Measured
    accuracy_real: Measured
    accuracy_synthetic: Measured
    training_accuracy: Measured
    test_images: int
    test_patients: int


class _Overlap(TypedDict):
    per_slice: Measured
    pooled: Measured


class _LesionScores(_Overlap):
    iou: _Overlap
    slices: int


class _Pixels(TypedDict):
    hd95_px: Measured
    surface_dice_at_2_px: Measured
    missed: Measured
    sensitivity: Measured
    specificity: Measured
    accuracy: Measured
    auc: Measured
    box_map: Measured
    box_iou: Measured


class _Slices(TypedDict):
    with_lesion: int
    without_lesion: int
    slice_sensitivity: Measured
    slice_specificity: Measured
    slice_accuracy: Measured
    slice_auc: Measured


class _LesionSide(TypedDict):
    whole_lesion: _LesionScores
    classes: dict[str, _LesionScores]
    measures: _Pixels
    slices: _Slices
    legacy_dice: Measured
    legacy_mse: Measured
    empty_labels: int
    hallucinated: Measured


class _Lesion(TypedDict):
    synthetic: _LesionSide
    real: _LesionSide


class _Floored(TypedDict):
    value: Measured
    floor: Measured
    why: NotRequired[str]


class _Kernel(_Floored):
    interval: list[Measured] | None
    floor_interval: list[Measured] | None


class _Features(TypedDict):
    n: int
    features: int
    patients: int
    frechet: _Floored
    kernel: _Kernel
    precision: _Floored
    recall: _Floored
    density: _Floored
    coverage: _Floored


class _Extractor(TypedDict):
    name: str
    sha256: str


class _Distribution(TypedDict):
    extractor: _Extractor
    all_patients: dict[str, _Features]
    test_patients: NotRequired[dict[str, _Features]]


class _Likeness(TypedDict):
    mean: ByName
    std: ByName
    pairs: int


class _Diversity(TypedDict):
    measure: str
    synthetic: _Likeness
    real: _Likeness
    difference: ByName


class EvaluationRecord(TypedDict):
    """``evaluation.json``: a table each of what was measured."""

    samples: int
    measured: NotRequired[str]
    structure: NotRequired[_Structure]
    structure_all_patients: NotRequired[_Structure]
    quality: NotRequired[_Quality]
    quality_all_patients: NotRequired[_Quality]
    registration: NotRequired[_Registration]
    realism: NotRequired[_Realism]
    lesion: NotRequired[_Lesion]
    distribution: NotRequired[_Distribution]
    diversity: NotRequired[_Diversity]
