"""How surely the anatomy of real lesions tells whose label codes a file holds.

    python benchmarks/label_codes.py --scans DIR [--every 1] [--json]

Measures every code of every patient, then writes the same lesions in the codes of other studies and
reads them with a wrong table. Prints what was measured, code by code, and of each pair of a true and a
wrong table: how many patients contradict it one by one, and what they say pooled. The first row reads
every label with its own table, where each contradiction is a false alarm. Last, how often the true
table heads the list of likely ones, and the milliseconds a patient took.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from tf_medsynth.cohorts.survey import find_patients
from tf_medsynth.config.layouts import STUDIES
from tf_medsynth.imaging.lesion_anatomy import (
    CodeAnatomy,
    contradiction,
    lesion_anatomy,
    likely_studies,
    plausible,
    pool,
)
from tf_medsynth.imaging.volumes import read_volume
from tf_medsynth.runtime import log_to_stderr, progress

PED_IN_PLACE = {4: 1, 2: 2, 1: 3, 3: 3}
"""Class -> code: enhancing 1, whatever surrounds 2, core as cyst 3, as most children's labels look."""

WRONG: Mapping[str, tuple[Mapping[int, int], str]] = {
    "PED 2024 without oedema, read as 2023": (PED_IN_PLACE, "brats2023"),
    "PED 2024 with oedema, read as 2023": ({4: 1, 1: 2, 3: 2, 2: 4}, "brats2023"),
    "PED 2024 with oedema, read as 2017": ({4: 1, 1: 2, 3: 2, 2: 4}, "brats2017"),
    "Decathlon, read as 2023": ({2: 1, 1: 2, 3: 2, 4: 3}, "brats2023"),
    "codes 1 and 2 swapped, read as 2017": ({2: 1, 1: 2, 3: 2, 4: 4}, "brats2017"),
    "2023, read as 2015": ({1: 1, 3: 1, 2: 2, 4: 3}, "brats2015"),
    "2017, read as 2024 post-treatment": ({1: 1, 3: 1, 2: 2, 4: 4}, "brats2024"),
}
"""What is tried: class -> code as written, and the study whose table it is read with."""

Case = tuple[dict[str, np.ndarray], np.ndarray, Mapping[int, int]]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--scans", type=Path, required=True, help="folder of patients, only read")
    parser.add_argument("--every", type=int, default=1, help="take every n-th voxel along each axis")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    log_to_stderr()
    measured, tables, milliseconds = {}, {}, []
    for name, (images, codes, table) in cases(arguments.scans, arguments.every):
        start = time.perf_counter()
        measured[name] = lesion_anatomy(images, codes)
        milliseconds.append(1000 * (time.perf_counter() - start))
        tables[name] = table
    rates = hit_rates(measured, tables)
    if arguments.json:
        rows = {n: {c: vars(a) for c, a in codes.items()} for n, codes in measured.items()}
        print(json.dumps({"measured": rows, "rates": rates, "milliseconds": milliseconds}))
        return
    print("patient, code: voxels, uptake (share), T1, T2, T1c, Flair; touches brain, others")
    for name, found in {**measured, "pooled": pool(list(as_classes(measured, tables).values()))}.items():
        for code, one in found.items():
            print(f"{name:22s} {code}: {_row(one)}")
    for name, row in rates.items():
        print(f"{name:40s} {row['hits']:2d} of {row['patients']}, pooled: {row['pooled']}")
        if "likely" in row:
            print(f"{'':40s} score {row['score']}, likely {row['likely']}, missed {row['missed']}")
    print(f"{np.median(milliseconds):.0f} ms a patient, {max(milliseconds):.0f} at most")


def cases(scans: Path, every: int = 1) -> Iterator[tuple[str, Case]]:
    """Name, images, codes and the true table of each patient who has a label."""
    few = (slice(None, None, every),) * 3
    for patient in progress(find_patients(scans), label="reading", unit="patient"):
        if patient.label is None:
            continue
        images = {m: np.ascontiguousarray(read_volume(p).array[few]) for m, p in patient.images.items()}
        codes = np.rint(read_volume(patient.label).array[few]).astype(np.uint8)
        yield patient.name, (images, codes, patient.codes)


def recoded(measured: Mapping[int, CodeAnatomy], codes: Mapping[int, int]) -> dict[int, CodeAnatomy]:
    """The anatomy as it would be measured with every code written as another; no two become one."""
    renamed = {}
    for code, one in measured.items():
        touches = {codes[other]: share for other, share in one.touches.items()}
        renamed[codes[code]] = CodeAnatomy(**{**vars(one), "touches": touches})
    return renamed


def as_classes(
    measured: Mapping[str, Mapping[int, CodeAnatomy]], tables: Mapping[str, Mapping[int, int]]
) -> dict[str, dict[int, CodeAnatomy]]:
    """Every patient with indices of the classes of `BRAIN_MRI` for codes."""
    return {name: recoded(found, tables[name]) for name, found in measured.items()}


def hit_rates(
    measured: Mapping[str, Mapping[int, CodeAnatomy]], tables: Mapping[str, Mapping[int, int]]
) -> dict[str, dict[str, object]]:
    """By trial: patients whose anatomy contradicts the table, of how many, and the pooled sentence."""
    classes = as_classes(measured, tables)
    itself = {index: index for index in range(1, 5)}
    own = {name: contradiction(found, itself) for name, found in classes.items()}
    found: dict[str, dict[str, object]] = {
        "own table (false alarms)": {
            "hits": sum(text is not None for text in own.values()),
            "patients": len(own),
            "missed": sorted(name for name, text in own.items() if text is None),
            "pooled": contradiction(pool(list(classes.values())), itself),
        }
    }
    for trial, (codes, study) in WRONG.items():
        # Two classes that a study joins cannot be joined after measuring: such patients are left out
        usable = {n: c for n, c in classes.items() if len({codes[k] for k in c}) == len(c)}
        written = {name: recoded(one, codes) for name, one in usable.items()}
        texts = {name: contradiction(one, STUDIES[study]) for name, one in written.items()}
        found[trial] = {
            "hits": sum(text is not None for text in texts.values()),
            "patients": len(texts),
            "missed": sorted(name for name, text in texts.items() if text is None),
            "pooled": contradiction(pool(list(written.values())), STUDIES[study]),
            "likely": likely_studies(pool(list(written.values())), STUDIES),
            "score": round(plausible(pool(list(written.values())), STUDIES[study]), 2),
        }
    return found


def _row(one: CodeAnatomy) -> str:
    bright = ", ".join(f"{value:5.2f}" for value in (one.t1, one.t2, one.t1c, one.flair))
    others = ", ".join(f"{code}: {share:.2f}" for code, share in one.touches.items())
    return (
        f"{one.voxels:7d}, {one.uptake:5.2f} ({one.uptake_share:.2f}), {bright}; "
        f"{one.touches_brain:.2f}, {others}"
    )


if __name__ == "__main__":
    main()
