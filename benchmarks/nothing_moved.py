"""Whether a change of the house moved a bit: every stage and baseline, samples, records, the served model.

    python benchmarks/nothing_moved.py --out DIR [--against OTHER/figures.json]

Twenty steps of each stage and baseline at preset `tiny` on six phantom patients, eight unfiltered samples
of the run, and four samples of ``saved_models/phantom96``, each as the hash of its bits: of weights and
moments by stage, of images, labels and maps, and of the numbers of every record. Names that follow from
settings (fingerprints, model hashes) are left out, so that a setting can be renamed. Run it before and
after a change, on the same machine; with ``--against`` it prints what differs and leaves with 1.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

import tf_medsynth

DATA = "brats/slices_64"
MODEL = Path(tf_medsynth.__file__).parents[1] / "saved_models" / "phantom96"
STEPS, SAMPLES = 20, 8
TRAINED = ("structure", "lesion", "translation", "multimodal", "gan", "skrgan")


def main() -> int:
    """Measures, writes ``figures.json``, compares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    parser.add_argument("--against", type=Path, help="figures.json of the other version")
    arguments = parser.parse_args()
    figures = measured(arguments.out)
    (arguments.out / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=1))
    if arguments.against is None:
        return 0
    before = json.loads(arguments.against.read_text(encoding="utf-8"))
    moved = sorted(k for k in before.keys() | figures.keys() if before.get(k) != figures.get(k))
    print(f"moved: {', '.join(moved)}" if moved else f"nothing moved: {len(figures)} figures are equal")
    return int(bool(moved))


def measured(out: Path) -> dict[str, str]:
    """Hash of each thing, by its name."""
    cohort, data, run, synthetic = (out / name for name in ("cohort", "data", "run", "synthetic"))
    tf_medsynth.phantom(patients=6, size=64, seed=0, out=cohort)
    tf_medsynth.prepare(DATA, manual_dir=cohort, data_dir=data)
    found = {"slices": hashed(rows(data / DATA))}
    for stage in TRAINED:
        # After 20 steps no drawn map is closed.
        own = {"maps": "real"} if stage == "multimodal" else {}
        words = {"preset": "tiny", "seed": 3, "steps": STEPS, "overrides": own}
        tf_medsynth.train(stage, data=DATA, data_dir=data, run=run, **words)
        found[f"weights of {stage}"] = hashed(variables(run / stage / "checkpoints"))
        pictures = sorted(run.glob(f"{stage}/samples/*.png"))
        found[f"pictures of {stage}"] = hashed(picture.read_bytes() for picture in pictures)
    tf_medsynth.generate(run=run, count=SAMPLES, seed=5, out=synthetic, filter=False)
    found["samples"] = hashed(rows(synthetic / "medsynth_synthetic"))
    found["records"] = hashed(records(synthetic))
    served = tf.saved_model.load(str(max(MODEL.glob("[0-9]*"), key=lambda path: int(path.name))))
    draw = served.signatures["synthesize_random"]
    answers = [draw(seed=tf.constant([[7, k]], tf.int64)) for k in range(4)]
    found["served"] = hashed(one[name].numpy() for one in answers for name in sorted(one))
    return found


def rows(folder: Path) -> Iterable[np.ndarray]:
    """Every array of a prepared set, in its stored order."""
    place = max(folder.glob("*/dataset_info.json")).parent
    builder = tfds.builder_from_directory(place)
    for split in sorted(builder.info.splits):
        for example in builder.as_dataset(split=split, shuffle_files=False).as_numpy_iterator():
            for name in ("images", "lesion_label", "structure_map", "background_mask"):
                if name in example:
                    yield example[name]


def variables(checkpoints: Path) -> Iterable[bytes]:
    """Every variable of a checkpoint by its bits, whatever it is called."""
    reader = tf.train.load_checkpoint(tf.train.latest_checkpoint(str(checkpoints)))
    names = [n for n in reader.get_variable_to_dtype_map() if "OBJECT_GRAPH" not in n]
    return sorted(hashlib.sha256(np.asarray(reader.get_tensor(name)).tobytes()).digest() for name in names)


def records(synthetic: Path) -> Iterable[bytes]:
    """The numbers of ``samples.csv``."""
    with next(synthetic.rglob("samples.csv")).open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield json.dumps({k: v for k, v in sorted(row.items()) if k != "model_hash"}).encode()


def hashed(parts: Iterable[np.ndarray | bytes]) -> str:
    """One name for `parts`, in their order."""
    digest, count = hashlib.sha256(), 0
    for part in parts:
        digest.update(part if isinstance(part, bytes) else np.ascontiguousarray(part).tobytes())
        count += 1
    return f"{digest.hexdigest()[:16]} of {count}"


if __name__ == "__main__":
    sys.exit(main())
