"""Availability studies of several splits as one: every patient can be a test patient once (cross-validation).

With a dozen patients one split tests on few of them, and few patients decide nothing. Each split has its
own data, run and synthetic set; here only the scores of finished studies come together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tf_medsynth import runtime
from tf_medsynth.config.base import check, fingerprint
from tf_medsynth.config.persons import split_group
from tf_medsynth.config.studies import chosen_rows
from tf_medsynth.config.study_records import PooledRecord
from tf_medsynth.studies import summary

KIND = "availability"
_REMEDY = "Finish the study again with --resume."


def pool(folders: Sequence[Path], out: Path) -> dict[str, Any]:
    """What the studies say together, also written to `out`, of the rows that all of them ran.

    Raises:
        MedSynthError: fewer than two studies, one that is not finished or no study of availability,
            other seeds or settings, a person whom two of them tested on, no row in common, or an
            `out` that holds something else.
    """
    watch = runtime.Stopwatch()
    check("pooling takes at least two studies", len(folders) > 1, studies=[str(folder) for folder in folders])
    studies = {str(folder): _read(folder) for folder in folders}
    check("a study is pooled once", len(studies) == len(folders), studies=[str(f) for f in folders])
    _check_alike(studies)
    _check_disjoint(studies)
    every = list(studies.values())
    names = [name for name in every[0]["rows"] if all(name in study["rows"] for study in every)]
    rows_of = {folder: list(study["rows"]) for folder, study in studies.items()}
    check("studies that are pooled have a row in common", bool(names), rows=rows_of)
    for folder, study in studies.items():
        with runtime.of_file(Path(folder) / summary.RECORD, _REMEDY):
            _check_scores(study)
    mark = fingerprint([study["fingerprint"] for study in every])
    header: dict[str, Any] = {
        "study": KIND,
        "fingerprint": mark,
        "config": _common([study["config"] for study in every]),
        "cases_are": "test patients",
        "skipped": {
            name: "not run in every study that was pooled"
            for study in every
            for name in study["rows"]
            if name not in names
        },
        "splits": [
            {"study": folder, "fingerprint": study["fingerprint"], "config": study["config"]}
            for folder, study in studies.items()
        ],
    }
    _check_out(out, mark)
    results = [result for study in every for name in names for result in _results(name, study)]
    return summary.conclude(header, chosen_rows(KIND, names), results, lambda: _time(every, watch), out)


def _read(folder: Path) -> dict[str, Any]:
    file = folder / summary.RECORD
    check(
        "no finished study there", file.is_file(), "Run it, or go on with it by --resume.", study=str(folder)
    )
    facts = runtime.read_json(file, _REMEDY)
    own = facts.get("study") == KIND and "splits" not in facts
    check(
        "studies of availability are pooled, each of one split",
        own,
        study=str(folder),
        kind=facts.get("study"),
        pooled="splits" in facts,
    )
    return dict(runtime.read_record(file, PooledRecord, _REMEDY))


def _check_scores(study: Mapping[str, Any]) -> None:
    """Raises unless every row was scored from every seed on every test patient."""
    seeds, cases = {str(seed) for seed in study["seeds"]}, set(study["cases"])
    check("a study has seeds and test patients", bool(seeds and cases), seeds=sorted(seeds))
    for name, row in study["rows"].items():
        check("a row is scored from every seed", set(row["patients"]) == seeds, row=name)
        whole = all(set(scores) == cases for scores in row["patients"].values())
        check("a row is scored on every test patient", whole, row=name)


def _check_alike(studies: Mapping[str, Mapping[str, Any]]) -> None:
    """Raises where two were not run alike: data, patients and synthetic set may differ, nothing else."""
    alike: dict[str, dict[str, Any]] = {}
    for folder, study in studies.items():
        config, settings = study["config"], study["config"]["settings"]
        alike.setdefault("seeds", {})[folder] = study["seeds"]
        alike.setdefault("precision", {})[folder] = config["precision"]
        alike.setdefault("image_size", {})[folder] = config["image_size"]
        for name in ("segmentor", "enhanced"):
            alike.setdefault(name, {})[folder] = settings[name]
    for name, values in alike.items():
        same = all(value == next(iter(values.values())) for value in values.values())
        received: dict[str, Any] = {name: values}
        check(f"studies that are pooled have the same {name}", same, **received)


def _check_disjoint(studies: Mapping[str, Mapping[str, Any]]) -> None:
    seen: dict[str, str] = {}
    for folder, study in studies.items():
        for patient in study["cases"]:
            other = seen.setdefault(split_group(patient, ()), folder)
            check(
                "a person is tested on in one of the pooled studies only",
                other == folder,
                "Prepare splits without common test patients.",
                patient=patient,
                studies=[other, folder],
            )


def _check_out(out: Path, mark: str) -> None:
    runtime.check_writable(out)
    held = runtime.read_json(out / summary.RECORD, "Remove it.") if (out / summary.RECORD).exists() else None
    free = held is None or held.get("fingerprint") == mark
    check("--out holds another study", free, "Choose another --out.", out=str(out))


def _results(name: str, study: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a study's units found for a row, as its record tells it."""
    row = study["rows"][name]
    kept = {key: row[key] for key in summary.KEPT if key in row}
    return [
        {"row": name, "seed": int(seed), "patients": patients, **kept}
        for seed, patients in row["patients"].items()
    ]


def _common(configs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What all of them have alike."""
    return {key: value for key, value in configs[0].items() if all(c.get(key) == value for c in configs)}


def _time(studies: Sequence[Mapping[str, Any]], watch: runtime.Stopwatch) -> dict[str, Any]:
    of_units = [study["time"]["of_units"] for study in studies]
    summed = {name: sum(units[name] for units in of_units) for name in of_units[0]}
    none = {"training": 0.0, "evaluation": 0.0, "wasted_share": None}
    return {"wall": watch.seconds, **none, "of_units": summed}
