"""What the records hold that the package writes and reads back: schemas for `runtime.read_record`.

Keys that nothing reads are left out: they may be there, of any type. A number that was not finite when
it was written is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict

from tf_medsynth.config.base import check
from tf_medsynth.config.domain import Domain

Measured = float | None
ByName = dict[str, Measured]


def domain_of(record: Mapping[str, Any], remedy: str) -> Domain:
    """What the data of a record show, as its writer stated it.

    Args:
        record: of a run's stage, a generated set or an exported model.
        remedy: how to have one that says so.

    Raises:
        MedSynthError: a record of an earlier version, which does not.
    """
    check("a record states the domain of its data", "domain" in record, remedy, keys=sorted(record)[:8])
    return Domain.from_dict(record["domain"])


class Claimed(TypedDict):
    """``config.json`` of any folder that is claimed by the config of what is made in it."""

    fingerprint: str
    workers: NotRequired[int]


class NetworksRecord(Claimed):
    """``config.json`` of a trained stage, as far as its networks are built from it."""

    stage: str
    settings: dict[str, Any]
    data_settings: dict[str, Any]
    operators: dict[str, Any]
    domain: dict[str, Any]
    seed: int
    image_size: tuple[int, int]


class StageRecord(NetworksRecord):
    """``RUN/<stage>/config.json``: what a stage was trained with, and on what."""

    preset: NotRequired[str]
    precision: NotRequired[str]
    data: str
    data_dir: str
    data_fingerprint: str
    patients: list[str]
    upstream: NotRequired[dict[str, str]]


class Finished(TypedDict):
    """``finished.json`` of a stage."""

    steps: NotRequired[int]
    seconds: NotRequired[Any]
    losses: NotRequired[ByName]


class StepLine(TypedDict):
    """A line of ``RUN/steps.jsonl``."""

    verb: str
    seconds: float
    peak_memory_mib: float
    detail: dict[str, Any]


class Ceiling(TypedDict):
    """``RUN/lesion/ceiling.json``."""

    whole: float
    per_class: float
    stage: str


class PreparedFrom(TypedDict):
    """What `data` reads of ``inputs.json``."""

    fingerprint: str


class Inputs(PreparedFrom):
    """``inputs.json`` of a prepared data set."""

    patients: dict[str, _Member]
    remarks: list[str]


class _Member(TypedDict):
    split: str


class TrainingFacts(TypedDict):
    """Whom the model of a generated set was trained on."""

    patient_hashes: NotRequired[list[str]]
    data_settings: NotRequired[dict[str, Any]]


class _Spread(TypedDict):
    measured: int
    mean: NotRequired[float]
    min: NotRequired[float]
    max: NotRequired[float]


class _Accepted(TypedDict):
    contour_mae: _Spread
    registration_shift_px: _Spread


class _Scores(TypedDict):
    accepted: _Accepted


class _Contour(TypedDict):
    max_mae: float


class _Gates(TypedDict):
    labels: str
    filter: bool
    contour: _Contour
    registration_px: float


class _Labels(TypedDict):
    fingerprint: str


Cells = dict[str, dict[str, dict[str, int]]]


class _Coverage(TypedDict):
    before: Cells
    after: Cells


class SetSummary(TypedDict):
    """``summary.json`` of a generated set."""

    dataset: str
    count: int
    candidates: int
    acceptance_rate: float
    pass_rate: float
    rejected: dict[str, int]
    failed: dict[str, int]
    scores: _Scores
    coverage: _Coverage
    model_hash: str
    seed: int
    domain: dict[str, Any]
    labels: _Labels
    settings: _Gates
    format: NotRequired[Literal["tfds", "nifti", "mha"]]
    training: NotRequired[TrainingFacts | None]


class Whereabouts(TypedDict):
    """``RUN/generated.json``: where the set lies that was generated from the run last."""

    out: str
    summary: SetSummary


class _Counted(_Labels):
    count: int


class _ModelData(TrainingFacts):
    name: str
    fingerprint: str
    patients: int


class ModelFile(TypedDict):
    """``medsynth.json`` of an exported model."""

    format: int
    package: str
    model_hash: str
    image_size: tuple[int, int]
    rows: int
    labels: _Counted
    settings: dict[str, Any]
    data: _ModelData
    signatures: NotRequired[dict[str, dict[str, dict[str, dict[str, Any]]]]]
    domain: dict[str, Any]


class SpoolHeader(TypedDict):
    """``spool.json`` of an unfinished set."""

    format: int
    identity: dict[str, Any]
    label_coverage: Cells


class Artifact(TypedDict):
    """What a step of a pipeline read or made."""

    uri: str
    fingerprint: str


class LineageRecord(TypedDict):
    """``lineage/<step>.json``."""

    step: str
    started: str
    seconds: float
    inputs: dict[str, Artifact]
    outputs: dict[str, Artifact]
    code: _Code


class _Code(TypedDict):
    tf_medsynth: str
    sources: str


class Failure(TypedDict):
    """``lineage/<step>.failed.json``."""

    error: str


class FindingRecord(TypedDict):
    """A claim with the number that decides it, as `evaluation.report_data.Finding`."""

    claim: str
    measured: str
    wanted: str
    held: bool | None
    note: NotRequired[str]


class BlessingRecord(TypedDict):
    """``RUN/blessing.json``."""

    model_hash: str
    findings: list[FindingRecord]
    fingerprint: NotRequired[str]


class Settled(TypedDict):
    """``transform.json``."""

    fingerprint: str
    operators: dict[str, Any]


class _AnomalyRecord(TypedDict):
    feature: str
    rule: str
    measured: str
    wanted: str
    stops: bool


class Anomalies(TypedDict):
    """``anomalies.json``."""

    anomalies: list[_AnomalyRecord]
    fingerprint: str


class Certificate(TypedDict):
    """What every certificate says."""

    kind: Literal["registration", "lesion", "memorisation"]
    target: str
    against: NotRequired[str | None]
    seed: int
    size: tuple[int, int]
    samples: int
    samples_in_target: int
    words: NotRequired[str]
    verdict: NotRequired[str]
    rows: NotRequired[list[dict[str, Any]]]


Spread = dict[str, float | dict[str, float] | None]


class _Shifts(TypedDict):
    shift_px: Spread
    local_shift_px: NotRequired[Spread]
    pair_shift_px: NotRequired[dict[str, Spread]]
    edge_overlap: NotRequired[dict[str, Spread] | None]


class RegistrationCertificate(Certificate, _Shifts):
    """Do modalities lie on one another?"""

    beside: NotRequired[_Shifts | None]


class _Space(TypedDict):
    threshold: Measured
    copies: int
    judged: int
    copy_share: Measured
    samples: ByName
    heldout: ByName


class _Extractor(TypedDict):
    name: str
    sha256: str


class MemorisationCertificate(Certificate):
    """Is a sample a copy of a training patient?"""

    spaces: dict[str, _Space]
    false_alarm: float
    counts: dict[str, int]
    membership: NotRequired[dict[str, Any]]
    extractor: NotRequired[_Extractor | None]
    patients_not_compared: NotRequired[int | None]


class LesionCertificate(Certificate):
    """Do judges find the lesion of the label?"""

    groups: dict[str, dict[str, dict[str, Any]]]
    counts: dict[str, int]


CERTIFICATE_SCHEMAS: dict[str, type[Certificate]] = {
    "registration": RegistrationCertificate,
    "lesion": LesionCertificate,
    "memorisation": MemorisationCertificate,
}
