"""What a report shows, as plain frozen data: whoever gathers it, the page is drawn from this alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import ArrayLike

from tf_medsynth.config.domain import Domain
from tf_medsynth.evaluation.findings import Finding
from tf_medsynth.reports.figures import Chart
from tf_medsynth.reports.tables import Table


@dataclasses.dataclass(frozen=True)
class Origin:
    """What draws a part of the page again.

    Attributes:
        command: shell line.
        hashes: of what it was made from, by name.
    """

    command: str
    hashes: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Evidence:
    """A certificate or a study: what it found, in words, numbers and a picture.

    Attributes:
        title: what it is of.
        summary: one paragraph in words.
        findings: its verdicts.
        tables: its numbers.
        charts: ``(name, chart)``, see `evaluation.figures`.
        origin: what makes it again.
    """

    title: str
    summary: str = ""
    findings: Sequence[Finding] = ()
    tables: Sequence[Table] = ()
    charts: Sequence[tuple[str, Chart]] = ()
    origin: Origin | None = None


@dataclasses.dataclass(frozen=True)
class Gallery:
    """Samples to look at: one row each, see `evaluation.gallery.sample_tiles`.

    Attributes:
        title: what they are.
        titles: one a row, e.g. "real, patient 7".
        domain: names of modalities and classes.
        images: `(n, H, W, M * C)` in [0, 1], or None.
        structure_map: `(n, H, W, 1)` of 0 and 1, or None.
        background_mask: same, or None.
        lesion_label: `(n, H, W, 1)` class codes, or None.
        note: how they were chosen, and what is to be seen on them.
        origin: what draws them again.
    """

    title: str
    titles: Sequence[str]
    domain: Domain
    images: ArrayLike | None = None
    structure_map: ArrayLike | None = None
    background_mask: ArrayLike | None = None
    lesion_label: ArrayLike | None = None
    note: str = ""
    origin: Origin | None = None


@dataclasses.dataclass(frozen=True)
class GateCounts:
    """What the gates did.

    Attributes:
        candidates: samples drawn.
        accepted: of those.
        rejected: candidates by the reason that decided, each counted once.
        failed: candidates that fail each gate, accepted or not; one may fail several.
    """

    candidates: int
    accepted: int
    rejected: Mapping[str, int]
    failed: Mapping[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class ReportData:
    """All a report shows. A part left empty is shown as not recorded, never left out.

    Attributes:
        title: heading of the page.
        classes: names of the label's codes, what is not labelled first; none without a label.
        summary: one paragraph in words: what was done on what data, and how it turned out.
        findings: claims, failed ones are shown first.
        warnings: early warnings of each stage, in its own words.
        galleries: samples to look at.
        tables: metrics, see `evaluation.tables`.
        certificates: audits of the samples; each kind that is missing is named in `uncertified`.
        uncertified: kinds of certificates that nobody made yet.
        studies: what the samples are good for.
        gates: what became of the candidates.
        coverage: ``{"before": table, "after": table}``, each as `metrics.coverage.Coverage.to_dict`.
        curves: ``{stage: {term: (steps, values)}}``.
        trained: ``{stage: facts}``: settings, data, seed, versions, hashes; nested as they come.
        steps: ``{"verb", "seconds", "peak_memory_mib", "detail"}`` a finished step.
        commands: shell lines that reproduce the page, in order.
        origins: of the parts ``metrics``, ``gates``, ``coverage`` and ``training of STAGE``.
    """

    title: str
    classes: Sequence[str] = ()
    summary: str = ""
    findings: Sequence[Finding] = ()
    warnings: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    galleries: Sequence[Gallery] = ()
    tables: Sequence[Table] = ()
    certificates: Sequence[Evidence] = ()
    uncertified: Sequence[str] = ()
    studies: Sequence[Evidence] = ()
    gates: GateCounts | None = None
    coverage: Mapping[str, Mapping[str, Any]] | None = None
    curves: Mapping[str, Mapping[str, tuple[ArrayLike, ArrayLike]]] = dataclasses.field(default_factory=dict)
    trained: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    steps: Sequence[Mapping[str, Any]] = ()
    commands: Sequence[str] = ()
    origins: Mapping[str, Origin] = dataclasses.field(default_factory=dict)
