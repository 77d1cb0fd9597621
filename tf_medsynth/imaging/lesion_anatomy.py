"""What each code of a lesion label is, as the images tell, and which studies' codes that fits.

Studies number the parts of a tumour differently, and a file does not say whose numbers it holds. The
images do: the enhancing part takes up contrast medium, that is, T1c is brighter there than T1
foretells; oedema lies outside, so most of its surface touches normal brain; what is necrotic or does
not enhance lies inside and does neither. Those are measured for every code as plain numbers, without
knowing what the codes mean. A table of codes is contradicted only where they speak clearly against it.

Medians and spreads (1.4826 times the median absolute deviation) of the brain outside the lesion are
the ruler, so that no modality's scale matters.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tf_medsynth.config.base import check
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.imaging.extent import extent

LEAST_LESION = 200
"""Voxels of a whole lesion, below which nothing is contradicted: it is all rim, and every code shares voxels.

A phantom at 7.5 mm has 61, of which the oedema takes 2.0 spreads of contrast from the rim beside it.
"""

FEWEST_VOXELS = 20
"""A code with fewer is left out of every verdict: its median is chance, and its surface too."""

TAKES_UPTAKE, TAKES_SHARE = 1.5, 0.4
"""From these on contrast is taken up. Real enhancing tumour has 1.7 and 0.42 at least."""

LACKS_UPTAKE, LACKS_SHARE, LACKS_T1C = 0.6, 0.1, 1.5
"""Below all of these no contrast is taken up; a faint or a small enhancing part still takes some."""

LACKS_VOXELS = 50
"""That a code takes no contrast is told from this many voxels on."""

UPTAKE_GAP = 0.8
"""A code takes contrast and another does not if they lie this far apart."""

SURFACE_GAP = 0.25
"""Difference of `touches_brain` from which one code lies outside another. Real oedema: 0.32 at least."""

SHARED_BORDER = 0.02
"""Two codes that touch less say nothing of which of them lies outside, unless a third lies between."""

ENCLOSED, HALF_ENCLOSED = 0.3, 0.5
"""Oedema that touches normal brain with less of its surface than this is none.

Up to the second number it must also be brighter in T2, as a core is: a patch of oedema beside a large
core that does not enhance touches that core with half of its surface.
"""

T2_GAP = 0.5
"""Spreads from which one code is brighter in T2 than another; the brighter one is the core."""

POOR_FIT, GOOD_FIT = -0.3, 0.2
"""Of `plausible`: up to the first a table is unlikely, from the second on it wants no better."""

_CLASSES = BRAIN_MRI.label.classes
_ENHANCING, _OEDEMA = map(_CLASSES.index, ("enhancing", "oedema"))
_CORE = tuple(map(_CLASSES.index, ("necrosis", "non_enhancing")))
_COUNTED = 2.0  # spreads: 2 % of a normal brain lie above
_SAMPLES = 60_000
_FLAT = 0.02  # of the brain's spread: T1c is T1 again, and its difference rounding
_NAN = float("nan")


@dataclasses.dataclass(frozen=True)
class CodeAnatomy:
    """One code of a label, measured; brightness in spreads of normal brain above its median.

    Attributes:
        voxels: how many carry the code, over all patients.
        patients: how many were pooled.
        uptake: median of T1c less T1, each on its own ruler, in spreads of that difference in normal
            brain; NaN where T1 or T1c is missing or T1c is a copy of T1.
        uptake_share: 0 to 1, share of voxels with an uptake above 2 spreads; NaN like `uptake`.
        t1, t2, t1c, flair: median brightness; NaN where there is no such modality.
        touches_brain: 0 to 1, share of its surface within the brain that touches normal brain; NaN
            where it has none.
        touches: share of that surface that touches each other code.
    """

    voxels: int
    patients: int
    uptake: float
    uptake_share: float
    t1: float
    t2: float
    t1c: float
    flair: float
    touches_brain: float
    touches: Mapping[int, float]


Measured = Mapping[int, CodeAnatomy]
"""What `lesion_anatomy` and `pool` return: anatomy by code, background left out."""


def lesion_anatomy(images: Mapping[str, NDArray[Any]], codes: NDArray[Any]) -> dict[int, CodeAnatomy]:
    """The anatomy of every code of one patient's label; empty of an empty label.

    Args:
        images: `(z, y, x)` by modality, any of T1, T2, T1c, Flair; background 0.
        codes: `(z, y, x)` whole numbers, 0 outside the lesion.

    Raises:
        MedSynthError: no image, or one with another shape than the label.
    """
    shapes = {modality: image.shape for modality, image in images.items()}
    check("there must be an image", bool(images), images=shapes)
    same = all(shape == codes.shape for shape in shapes.values())
    check("images and label share a grid", same, label=codes.shape, images=shapes)
    lesion = codes != 0
    if not lesion.any():
        return {}
    box = _box(lesion)
    near = codes[box]
    present, compact = np.unique(np.rint(near).astype(np.int64), return_inverse=True)
    inside, number = lesion[box], compact.reshape(near.shape)
    brightness = _brightness(images, lesion, box, inside)
    brain = np.any([image[box] != 0 for image in images.values()], axis=0)
    touching = _touching(number, inside, brain, present)
    numbers = number[inside]
    found = {}
    for index, code in enumerate(int(c) for c in present):
        if code == 0:
            continue
        mine = numbers == index
        median = {name: _median(values[mine]) for name, values in brightness.items()}
        takes = brightness["uptake"][mine]
        takes = takes[np.isfinite(takes)]
        surface = touching[code]
        found[code] = CodeAnatomy(
            voxels=int(mine.sum()),
            patients=1,
            uptake=median["uptake"],
            uptake_share=float(np.mean(takes > _COUNTED)) if takes.size else _NAN,
            t1=median.get("T1", _NAN),
            t2=median.get("T2", _NAN),
            t1c=median.get("T1c", _NAN),
            flair=median.get("Flair", _NAN),
            touches_brain=surface.pop(0, _NAN),
            touches=surface,
        )
    return found


def pool(patients: Sequence[Measured]) -> dict[int, CodeAnatomy]:
    """The anatomy of every code of a cohort: medians over its patients, all of equal weight.

    A patient with fewer than `FEWEST_VOXELS` of a code has no voice about it, unless nobody has more.
    """
    found = {}
    for code in sorted({code for patient in patients for code in patient}):
        all_of = [patient[code] for patient in patients if code in patient]
        heard = [one for one in all_of if one.voxels >= FEWEST_VOXELS] or all_of
        names = ("uptake", "uptake_share", "t1", "t2", "t1c", "flair", "touches_brain")
        middle = {name: _median(np.array([getattr(one, name) for one in heard])) for name in names}
        others = sorted({other for one in heard for other in one.touches})
        found[code] = CodeAnatomy(
            voxels=sum(one.voxels for one in all_of),
            patients=sum(one.patients for one in heard),
            touches={o: float(np.mean([one.touches.get(o, 0.0) for one in heard])) for o in others},
            **middle,
        )
    return found


def contradiction(measured: Measured, table: Mapping[int, int]) -> str | None:
    """A sentence, without a full stop, that says what in the anatomy contradicts a table of codes.

    None where the anatomy agrees or does not decide. Codes that the table does not know are looked at
    only as neighbours.

    Args:
        measured: of one patient, or pooled.
        table: label code -> index into the classes of `BRAIN_MRI`.
    """
    if sum(one.voxels for one in measured.values()) < LEAST_LESION:
        return None
    heard = {code: one for code, one in measured.items() if one.voxels >= FEWEST_VOXELS}
    found = _contrast_evidence(heard, table) or _place_evidence(heard, table)
    return found[1] if found else None


def plausible(measured: Measured, table: Mapping[int, int]) -> float:
    """How well a table fits, -1 to 1, by the evidence that is least in its favour; 0 of none.

    Weighed are each code's contrast uptake against what the table says, and each pair of oedema and
    core, of which the oedema must lie outside.
    """
    heard = {code: one for code, one in measured.items() if one.voxels >= FEWEST_VOXELS}
    roles = {code: table[code] for code in heard if code in table}
    most = max((one.uptake for one in heard.values() if not math.isnan(one.uptake)), default=_NAN)
    # What lies beside an enhancing part shares voxels with it: the more it takes, the more do they
    middle = max(TAKES_UPTAKE, 0.6 * most)
    weighed = []
    for code, role in roles.items():
        if not math.isnan(heard[code].uptake):
            over = math.tanh(heard[code].uptake - middle)
            weighed.append(over if role == _ENHANCING else -over)
    for oedema, core in _pairs(roles):
        gap = heard[oedema].touches_brain - heard[core].touches_brain
        if not math.isnan(gap):
            weighed.append(math.tanh(gap / SURFACE_GAP))
    return min(weighed, default=0.0)


def likely_studies(measured: Measured, tables: Mapping[str, Mapping[int, int]]) -> list[str]:
    """Names of the tables that know every code and agree with the anatomy, best first.

    Left out is what the anatomy contradicts, or comes near to. Tables with good evidence are equals:
    of these the ones come first of which fewer codes are absent, then they stand as they were given.
    """
    present = set(measured)
    fit = {
        name: plausible(measured, table)
        for name, table in tables.items()
        if present <= set(table) and contradiction(measured, table) is None
    }
    absent = {name: len(set(tables[name]) - present - {0}) for name in fit}
    likely = [name for name in fit if fit[name] > POOR_FIT]
    return sorted(likely, key=lambda name: (-min(round(fit[name], 3), GOOD_FIT), absent[name]))


def _contrast_evidence(heard: Measured, table: Mapping[int, int]) -> tuple[int, str] | None:
    """The code whose uptake most clearly contradicts the table, and how."""
    known = {code: one for code, one in heard.items() if code in table and not math.isnan(one.uptake)}
    enhancing = {code: one for code, one in known.items() if table[code] == _ENHANCING}
    best = max(enhancing, key=lambda code: enhancing[code].uptake, default=None)
    for code in sorted(known, key=lambda code: -known[code].uptake):
        one = known[code]
        if table[code] == _ENHANCING or one.uptake < TAKES_UPTAKE or one.uptake_share < TAKES_SHARE:
            continue
        says = f"{_named(code, table)}, takes contrast ({_spreads(one.uptake)})"
        if best is None:
            return code, says
        if one.uptake - enhancing[best].uptake > UPTAKE_GAP:
            return code, f"{says}, more than {_named(best, table)} ({_spreads(enhancing[best].uptake)})"
    if best is None or any(one.uptake_share > LACKS_SHARE for one in enhancing.values()):
        return None
    one = enhancing[best]
    if one.voxels >= LACKS_VOXELS and one.uptake < LACKS_UPTAKE and one.t1c < LACKS_T1C:
        return best, f"{_named(best, table)}, takes no contrast ({_spreads(one.uptake)})"
    return None


def _place_evidence(heard: Measured, table: Mapping[int, int]) -> tuple[int, str] | None:
    """The core that lies outside the oedema, and how."""
    roles = {code: table[code] for code in heard if code in table}
    for oedema, core in _pairs(roles):
        inner, outer = heard[oedema], heard[core]
        apart = outer.touches_brain - inner.touches_brain > SURFACE_GAP
        brighter = inner.t2 - outer.t2 > T2_GAP
        enclosed = inner.touches_brain < (HALF_ENCLOSED if brighter else ENCLOSED)
        if not (apart and enclosed) or outer.t2 - inner.t2 > T2_GAP or not _neighbours(heard, oedema, core):
            continue
        word = "surrounds" if inner.touches_brain < ENCLOSED else "lies outside"
        return core, (
            f"{_named(core, table)}, {word} {_named(oedema, table)}: "
            f"{100 * outer.touches_brain:.0f} % of its surface touches normal brain, "
            f"{100 * inner.touches_brain:.0f} % of the other's"
        )
    return None


def _pairs(roles: Mapping[int, int]) -> list[tuple[int, int]]:
    """Every code read as oedema with every code read as core."""
    oedema = [code for code, role in roles.items() if role == _OEDEMA]
    core = [code for code, role in roles.items() if role in _CORE]
    return [(a, b) for a in oedema for b in core]


def _neighbours(heard: Measured, first: int, other: int) -> bool:
    """Whether two codes touch, or a third touches both: parts of one lesion, not two of them."""

    def touch(a: int, b: int) -> bool:
        return heard[a].touches.get(b, 0.0) > SHARED_BORDER or heard[b].touches.get(a, 0.0) > SHARED_BORDER

    return touch(first, other) or any(
        touch(first, third) and touch(third, other) for third in heard if third not in (first, other)
    )


def _named(code: int, table: Mapping[int, int]) -> str:
    meaning = _CLASSES[table[code]].replace("_", "-") if table[code] else "no lesion"
    return f"code {code}, which should be {meaning}"


def _spreads(uptake: float) -> str:
    where = "above" if uptake >= 0 else "below"
    return f"{abs(uptake):.1f} spreads {where} normal brain"


def _box(lesion: NDArray[np.bool_]) -> tuple[slice, ...]:
    """The lesion's cuboid with one voxel around it, where the volume has one."""
    return tuple(slice(max(side.start - 1, 0), side.stop + 1) for side in extent(lesion))


def _brightness(
    images: Mapping[str, NDArray[Any]],
    lesion: NDArray[np.bool_],
    box: tuple[slice, ...],
    inside: NDArray[np.bool_],
) -> dict[str, NDArray[np.float64]]:
    """`(lesion voxels,)` for each modality and for the uptake, in spreads; NaN outside the brain."""
    step = max(1, int((lesion.size / _SAMPLES / 4) ** (1 / 3)))
    few = (slice(None, None, step),) * 3
    normal = ~lesion[few]
    for image in images.values():
        normal &= image[few] != 0  # where all are: a common brain
    found: dict[str, NDArray[np.float64]] = {}
    rulers = {}
    for modality, image in images.items():
        brain = image[few][normal].astype(np.float64)
        middle, spread = _ruler(brain)
        rulers[modality] = (brain - middle) / spread
        values = image[box][inside].astype(np.float64)
        found[modality] = np.where(values != 0, (values - middle) / spread, np.nan)
    found["uptake"] = np.full(int(inside.sum()), np.nan)
    if {"T1", "T1c"} <= set(images):
        middle, spread = _ruler(rulers["T1c"] - rulers["T1"])
        if spread > _FLAT:
            found["uptake"] = (found["T1c"] - found["T1"] - middle) / spread
    return found


def _ruler(values: NDArray[np.float64]) -> tuple[float, float]:
    """Median and spread; NaN where there is none, so that everything measured with it is NaN."""
    values = values[np.isfinite(values)]
    if values.size < FEWEST_VOXELS:
        return _NAN, _NAN
    middle = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - middle)))
    return middle, spread if spread > 0 else _NAN


def _median(values: NDArray[np.float64]) -> float:
    values = values[np.isfinite(values)]
    return float(np.median(values)) if values.size else _NAN


def _touching(
    number: NDArray[np.intp], inside: NDArray[np.bool_], brain: NDArray[np.bool_], present: NDArray[np.int64]
) -> dict[int, dict[int, float]]:
    """For each code the share of its faces within the brain that it has to each other, 0 for brain."""
    size = len(present) + 1
    # What is no brain gets a number of its own: a lesion at the cortex touches nothing there
    places = np.where(inside | brain, number, size - 1).astype(np.int32)
    faces = np.zeros((size, size), dtype=np.int64)
    for axis in range(3):
        behind = places.take(range(places.shape[axis] - 1), axis=axis).ravel()
        ahead = places.take(range(1, places.shape[axis]), axis=axis).ravel()
        differ = behind != ahead
        pairs = np.bincount(behind[differ] * size + ahead[differ], minlength=size * size)
        faces += pairs.reshape(size, size)
    faces = (faces + faces.T)[:, :-1]
    found = {}
    for index, code in enumerate(int(c) for c in present):
        total = int(faces[index].sum())
        shares = {int(o): int(f) / total for o, f in zip(present, faces[index], strict=True) if f}
        found[code] = {0: shares.pop(0, 0.0), **shares} if total else {}
    return found
