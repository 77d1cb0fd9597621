"""The few numbers of each certificate that a reader compares, side by side; the file holds them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tf_medsynth.reports.plain_tables import shown, spelled
from tf_medsynth.reports.tables import UNKNOWN, Table, number, percent

Values = Mapping[str, Any]


def certificate_tables(certificate: Values) -> list[Table] | None:
    """Tables of a certificate of a known kind; None of another, or of one without the parts it is known by.

    Args:
        certificate: the values of its file.
    """
    known = _KNOWN.get(str(certificate.get("kind")))
    if known is None or not all(isinstance(certificate.get(part), Mapping) for part in known[0]):
        return None
    return list(known[1](certificate))


def _registration(certificate: Values) -> Iterator[Table]:
    sides = [certificate, *([certificate["beside"]] if certificate.get("beside") else [])]
    prefixes = ("", "beside: ")[: len(sides)]
    columns = ["", *(prefix + words for prefix in prefixes for words in ("median", "95th percentile"))]
    places: list[tuple[str, tuple[str, ...]]]
    places = [("worst pair, px", ("shift_px",)), ("worst patch, px", ("local_shift_px",))]
    places += [(f"{pair}, px", ("pair_shift_px", pair)) for pair in certificate.get("pair_shift_px", {})]
    rows = [
        [words, *(number(_at(side, *place, key)) for side in sides for key in ("median", "p95"))]
        for words, place in places
    ]
    yield Table("Shift between modalities", columns, rows, _unmeasured(certificate))
    overlap = certificate.get("edge_overlap", {})
    if overlap:
        rows = [[m, *(percent(_at(side, "edge_overlap", m, "median")) for side in sides)] for m in overlap]
        columns = ["edges of", "median share", "beside"][: 1 + len(sides)]
        yield Table("Lines of the structure map on an edge", columns, rows, "Within 1 px.")


def _memorisation(certificate: Values) -> Iterator[Table]:
    columns = ["distance in", "nearer than", "samples", "share", "samples' median", "held-out median"]
    rows = [
        [
            spelled(name),
            number(space.get("threshold")),
            f"{space.get('copies', UNKNOWN)} of {space.get('judged', UNKNOWN)}",
            percent(space.get("copy_share")),
            number(_at(space, "samples", "median")),
            number(_at(space, "heldout", "median")),
        ]
        for name, space in certificate["spaces"].items()
    ]
    counts = certificate.get("counts", {})
    note = (
        f"Distance to the nearest of {counts.get('training', UNKNOWN)} slices of "
        f"{counts.get('training_patients', UNKNOWN)} training patients; "
        f"{percent(certificate.get('false_alarm'))} of the slices of "
        f"{counts.get('heldout_patients', UNKNOWN)} held-out patients lie nearer than the threshold."
    )
    extractor = certificate.get("extractor")
    if extractor:
        note += f" Features of {extractor.get('name')}, SHA-256 {extractor.get('sha256')}."
    missing = certificate.get("patients_not_compared")
    if missing:
        note += f" NOT COMPARED: {missing} patients whom the generator saw are not in the training split."
    yield Table("Samples that lie as near to a training slice as a copy", columns, rows, note)


def _lesion(certificate: Values) -> Iterator[Table]:
    sides = ("synthetic", "real", "difference")
    rows = []
    for group, measures in certificate["groups"].items():
        wanted = measures if group == "whole_lesion" else [m for m in measures if m == "dice"]
        rows += [
            [f"{spelled(group)}: {spelled(measure)}", *(shown(measures[measure].get(side)) for side in sides)]
            for measure in wanted
        ]
    counts = certificate.get("counts", {})
    note = (
        f"{counts.get('judges', UNKNOWN)} judges, each trained without the patients that it is "
        "calibrated on; 95 % intervals redraw samples and patients."
    )
    yield Table("Do judges find the lesion of the label?", ["", *sides], rows, note)


def _unmeasured(certificate: Values) -> str:
    count = _at(certificate, "shift_px", "unmeasured")
    return f"{count} samples without any edge have no position and are left out." if count else ""


def _at(values: Any, *keys: str) -> Any:
    """The value below `keys`; None where one of them is missing."""
    for key in keys:
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


_KNOWN: dict[str, tuple[tuple[str, ...], Callable[[Values], Iterator[Table]]]] = {
    "registration": (("shift_px",), _registration),
    "memorisation": (("spaces",), _memorisation),
    "lesion": (("groups",), _lesion),
}
