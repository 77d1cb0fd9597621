"""Draws ``docs/synthetic_patient.png``: simulated patients above those that the model in the box imagines.

    python benchmarks/readme_picture.py [--out docs/synthetic_patient.png]

The model was trained on simulated patients like those above; nobody's scan is on the picture. Its samples
are of the seeds 0 and 1 the first with a closed outline and a lesion, chosen by number and not by looks.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

import tf_medsynth
from tf_medsynth.data.batches import with_structure
from tf_medsynth.data.slices import open_slices
from tf_medsynth.reports.gallery import gallery
from tf_medsynth.saved_model.patients import Patients

DATA, MODEL, ROWS = "brats/slices_96", "phantom96", 2
PARTS = ("images", "structure_map", "background_mask", "lesion_label")


def main() -> None:
    """Draws and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs/synthetic_patient.png"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        simulated = slices(Path(folder))
    imagined = samples()
    parts = [np.concatenate([simulated[name], imagined[name]]) for name in PARTS]
    titles = [f"simulated patient {n + 1}" for n in range(ROWS)] + [
        f"imagined, {n}" for n in imagined["name"]
    ]
    modalities = Patients(MODEL).record.modalities
    arguments.out.write_bytes(gallery(*parts, titles=titles, modalities=modalities))


def slices(folder: Path) -> dict[str, np.ndarray]:
    """The slice with the largest lesion of each of `ROWS` simulated patients, with its map."""
    tf_medsynth.phantom(patients=2 * ROWS, size=120, seed=0, out=folder / "cohort")
    tf_medsynth.prepare(DATA, manual_dir=folder / "cohort", data_dir=folder / "data")
    source = open_slices(DATA, folder / "data", "train")
    best: dict[bytes, dict[str, np.ndarray]] = {}
    for example in source.examples(names=True).as_numpy_iterator():
        held = best.get(example["patient"])
        if held is None or (example["lesion_label"] > 0).sum() > (held["lesion_label"] > 0).sum():
            best[example["patient"]] = example
    rows = list(best.values())[:ROWS]
    batch = {name: np.stack([row[name] for row in rows]) for name in ("images", "lesion_label")}
    operators = source.domain.operators_at(*source.image_size)
    drawn = with_structure(operators, 0)({"index": np.arange(len(rows)), **batch})
    return {name: np.asarray(drawn[name]) for name in PARTS}


def samples() -> dict[str, np.ndarray]:
    """The first `ROWS` good samples of the model."""
    patients, found = Patients(MODEL), []
    for seed in range(ROWS):
        found.append(patients.draw(seed, patients.first_good(seed)))
    drawn = {name: np.stack([getattr(one, name) for one in found]) for name in PARTS}
    return {**drawn, "name": np.array([f"seed {one.seed}, sample {one.number}" for one in found])}


if __name__ == "__main__":
    main()
