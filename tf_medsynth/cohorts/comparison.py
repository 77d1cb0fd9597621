"""What is odd between patients: mixed grids and orientations, codes, far intensities, suspected doubles."""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import heapq
import itertools
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tf_medsynth.cohorts.labels import anatomy_findings
from tf_medsynth.cohorts.oddities import some
from tf_medsynth.cohorts.patient import Examination, PatientVolumes
from tf_medsynth.cohorts.report import Finding
from tf_medsynth.cohorts.survey import PatientFiles, Survey
from tf_medsynth.config.cohorts import CohortSettings
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.imaging.lesion_anatomy import CodeAnatomy, pool

THUMBNAIL = (16, 16, 16)
DOUBLE_CORRELATION = 0.985
"""Correlation of thumbnails from which two names are suspected of being one person. Two real patients in
the atlas of BraTS reach 0.972 (105 pairs); one patient resaved reaches 0.993 as square roots, 0.998 with a
bias field of 20 %, 0.992 when moved by 2 voxels."""

RANGE_RATIO = 3.0
OUTLIER_RATIO = 4.0

MOST_DOUBLES = 50
"""Pairs that are named one by one."""

BLOCK = 256
"""Portraits that are compared with all others at a time."""

Named = list[tuple[str, Finding]]
"""Findings, each with the name of the patient it is about."""


@dataclasses.dataclass(frozen=True, eq=False)
class Portrait:
    """What is kept of a patient to compare it with others, about 64 KiB.

    Attributes:
        files: names, layout, person.
        facts: what was measured, see `Examination`.
        anatomy: of the label's codes.
        digests: hash of each modality's voxels.
        thumbnail: block means of the four modalities, each with mean 0 and spread 1, flat float32; empty
            where a modality cannot be used.
    """

    files: PatientFiles
    facts: Mapping[str, Any]
    anatomy: Mapping[int, CodeAnatomy]
    digests: tuple[str, ...] = ()
    thumbnail: NDArray[np.float32] = dataclasses.field(default_factory=lambda: np.zeros(0, np.float32))

    @classmethod
    def of(cls, seen: Examination) -> Portrait:
        """The portrait of a patient who was examined."""
        looks = _looks(seen.volumes) if seen.volumes else ()
        return cls(seen.files, seen.facts, seen.anatomy, *looks)


def folder_findings(found: Survey) -> list[Finding]:
    """An empty folder, files that belong to no patient, that were left out, or that are not read."""
    findings = []
    if not found.patients and not found.problems:
        text = "there is no patient in a known layout, such as NAME_t1.nii.gz or VSD.Brain.XX.O.MR_T1.ID.mha"
        findings.append(Finding("error", "no_patient", text))
    if found.strangers:
        text = f"{len(found.strangers)} volume files fit no layout: {some(found.strangers)}"
        findings.append(Finding("warning", "unknown_file", text))
    findings += [Finding("warning", remark.code, remark.message) for remark in found.remarks]
    return findings + _mixed(
        "mixed_layouts", "patients come in several layouts", [p.layout for p in found.patients]
    )


def findings(portraits: Sequence[Portrait], settings: CohortSettings) -> tuple[list[Finding], Named]:
    """What concerns several patients, and what only the comparison says of one, by name.

    Differences between patients, what their labels say together, suspected doubles; brightness far off.
    """
    found: list[Finding] = []
    for code, text, fact in (
        ("mixed_shapes", "volumes have several shapes", "shape"),
        ("mixed_spacings", "volumes have several spacings", "spacing"),
        (
            "mixed_orientations",
            "volumes are stored in several orientations, and are turned to one",
            "orientation",
        ),
        ("label_dtypes", "labels are stored in several types", "label_dtype"),
    ):
        found += _mixed(code, text, [p.facts[fact] for p in portraits if fact in p.facts])
    found += _label_findings(portraits, settings)
    ranges, outliers = _range_findings(portraits)
    return [*found, *ranges, *_double_findings(portraits)], outliers


def _label_findings(portraits: Sequence[Portrait], settings: CohortSettings) -> list[Finding]:
    """What the labels of each layout say together: no lesion, a mask instead of classes, other codes."""
    found = []
    layouts = collections.defaultdict(list)
    for portrait in portraits:
        if "label_codes" in portrait.facts:
            layouts[portrait.files.layout, tuple(portrait.files.codes.items())].append(portrait)
    explained = any("=" in word for word in settings.codes)
    for (layout, _), members in layouts.items():
        codes = set().union(*(set(map(int, p.facts["label_codes"])) for p in members)) - {0}
        needs = set(members[0].files.needs)
        if not codes:
            text = f"no label of {layout} holds a lesion ({len(members)} patients)"
            found.append(Finding("warning", "no_lesion", text))
        elif len(codes) == 1 and not explained and not all(settings.trusts(p.files.name) for p in members):
            (code,) = codes
            text = f"all labels of {layout} ({len(members)}) hold the one code {code}: a mask, not classes"
            remedy = "Say what it is, e.g. --set codes=1=oedema, or give labels with classes"
            found.append(Finding("error", "label_mask", text, remedy))
        elif needs and not needs & codes:
            text = f"the labels of {layout} hold codes {sorted(codes)} alone, as another study's do"
            remedy = "Say what they mean, e.g. --set codes=1=oedema,2=enhancing"
            found.append(Finding("error", "label_study", text, remedy))
        else:
            found += _pooled(layout, [p for p in members if not settings.trusts(p.files.name)])
    return found


def _pooled(layout: str, members: Sequence[Portrait]) -> list[Finding]:
    if len(members) < 2:
        return []
    table = members[0].files.codes
    text = f"labels of {layout}, {len(members)} patients taken together: "
    pooled = anatomy_findings(pool([dict(p.anatomy) for p in members]), table, trusted=False)
    return [dataclasses.replace(finding, message=text + finding.message) for finding in pooled]


def _mixed(code: str, text: str, values: Iterable[Any]) -> list[Finding]:
    counts = collections.Counter(
        " x ".join(f"{v:g}" for v in value) if isinstance(value, list) else str(value) for value in values
    )
    if len(counts) < 2:
        return []
    shown = ", ".join(f"{value} ({count})" for value, count in counts.most_common())
    return [Finding("warning", code, f"{text}: {shown}")]


def _range_findings(portraits: Sequence[Portrait]) -> tuple[list[Finding], Named]:
    """Modalities whose brightness differs widely between patients, and, by name, the patients far off."""
    found: list[Finding] = []
    outliers: Named = []
    for modality in BRAIN_MRI.modalities:
        values = {p.files.name: p.facts.get("intensities", {}).get(modality) for p in portraits}
        known = {name: value for name, value in values.items() if value}
        if len(known) < 2:
            continue
        tops = {name: value["p995"] for name, value in known.items()}
        low, high = min(tops, key=lambda name: tops[name]), max(tops, key=lambda name: tops[name])
        if tops[high] > RANGE_RATIO * tops[low]:
            maxima = [value["max"] for value in known.values()]
            text = (
                f"{modality} differs {tops[high] / tops[low]:.0f}-fold in brightness: 99.5 % points from "
                f"{tops[low]:.0f} ({low}) to {tops[high]:.0f} ({high}), maxima from {min(maxima):.0f} to "
                f"{max(maxima):.0f}; normalise by volume"
            )
            found.append(Finding("warning", "intensity_range", text))
        median = float(np.median(list(tops.values())))
        for name, top in tops.items():
            ratio = top / median
            if max(ratio, 1 / ratio) > OUTLIER_RATIO:
                text = f"the 99.5 % point of {modality} is {ratio:.2g} times that of the median patient"
                outliers.append((name, Finding("warning", "intensity_outlier", text)))
    return found, outliers


def _double_findings(portraits: Sequence[Portrait]) -> list[Finding]:
    """Patients of two persons who look like one, the likest first; of many pairs only some are named."""
    known = sorted((p for p in portraits if p.thumbnail.size), key=lambda p: p.files.name)
    same = _same_voxels(known)
    alike, count = _look_alikes(known, same)
    pairs = {pair: f"hold the same voxels ({modalities})" for pair, modalities in same.items()}
    pairs |= {
        pair: f"look alike (correlation {value:.3f}): one person under two names?" for value, pair in alike
    }
    found = [
        Finding(
            "warning",
            "suspected_double",
            f"{known[a].files.name} and {known[b].files.name} {text}; declare "
            f"{known[a].files.name}={known[b].files.name} as aliases, or they may be in train and test",
        )
        for (a, b), text in itertools.islice(pairs.items(), MOST_DOUBLES)
    ]
    more = len(same) + count - len(found)
    if more > 0:
        text = f"{more} more pairs look like one person: is it one patient many times?"
        found.append(Finding("warning", "suspected_double", text))
    return found


def twins(portraits: Sequence[Portrait]) -> list[tuple[str, str, str]]:
    """Names of patients of two persons who share voxels, and the modalities they share."""
    known = sorted((p for p in portraits if p.digests), key=lambda p: p.files.name)
    return [(known[a].files.name, known[b].files.name, text) for (a, b), text in _same_voxels(known).items()]


Pair = tuple[int, int]


def _same_voxels(known: Sequence[Portrait]) -> dict[Pair, str]:
    """Pairs, neighbours in the order of names, of which modalities' voxels are the same, and which."""
    same: dict[Pair, list[str]] = collections.defaultdict(list)
    for number, modality in enumerate(BRAIN_MRI.modalities):
        last: dict[str, int] = {}
        for index, portrait in enumerate(known):
            digest = portrait.digests[number]
            if digest in last and known[last[digest]].files.group != portrait.files.group:
                same[last[digest], index].append(modality)
            last[digest] = index
    return {pair: ", ".join(modalities) for pair, modalities in same.items()}


def _look_alikes(known: Sequence[Portrait], without: Container[Pair]) -> tuple[list[tuple[float, Pair]], int]:
    """The likest pairs, likest first, at most `MOST_DOUBLES`, and how many there are in all."""
    best: list[tuple[float, Pair]] = []
    count = 0
    thumbnails = np.stack([p.thumbnail for p in known]) if len(known) > 1 else np.zeros((0, 1), np.float32)
    for start in range(0, len(thumbnails), BLOCK):
        likeness = thumbnails[start : start + BLOCK] @ thumbnails.T / thumbnails.shape[1]
        rows, others = np.nonzero(likeness > DOUBLE_CORRELATION)
        for row, other in zip((rows + start).tolist(), others.tolist(), strict=True):
            pair = (row, other)
            if row < other and pair not in without and known[row].files.group != known[other].files.group:
                count += 1
                item = (float(likeness[row - start, other]), pair)
                heapq.heappush(best, item) if len(best) < MOST_DOUBLES else heapq.heappushpop(best, item)
    return sorted(best, key=lambda item: (-item[0], item[1])), count


def _looks(volumes: PatientVolumes) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Digests and thumbnail of a patient."""
    digests = [hashlib.sha256(np.ascontiguousarray(image).data).hexdigest() for image in volumes.images]
    return tuple(digests), np.concatenate([_thumbnail(image) for image in volumes.images])


def _thumbnail(array: NDArray[Any]) -> NDArray[np.float32]:
    """Block means on a small grid, mean 0 and spread 1, flat."""
    values: NDArray[Any] = array.astype(np.float32)
    for axis, count in enumerate(THUMBNAIL):
        length = array.shape[axis]
        if length < count:
            values = values.take(np.arange(count) * length // count, axis=axis)
            continue
        edges = np.linspace(0, length, count + 1).round().astype(int)
        sizes = np.diff(edges).reshape([-1 if axis == a else 1 for a in range(3)])
        values = np.add.reduceat(values, edges[:-1], axis=axis) / sizes
    return ((values - values.mean()) / max(float(values.std()), 1e-6)).ravel().astype(np.float32)
