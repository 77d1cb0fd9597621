"""Are planted copies caught, and how fast? Real patients, disguised training slices, real samples.

    python benchmarks/memorisation.py --data-dir DIR [--data brats/slices_96] [--scans DIR]
        [--generated DIR ...] [--speed]

The slices are those that `medsynth prepare` left under --data-dir; with --scans they are prepared from
there first. Half of the test patients give the threshold, slices of the other half are the honest samples,
and 5 % of disguised training slices are planted among them: mirrored, moved by 2 px, other brightness,
noise. The halves change places over every way to split the patients. --generated asks the same of data
sets that `generate` wrote. --speed times 10,000 random samples of 184 x 144 x 4 against 3,000, all read
from files, so that the memory is the search's.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from pathlib import Path

import numpy as np

import tf_medsynth
from tf_medsynth import runtime
from tf_medsynth.evaluation.memorisation import FALSE_ALARM
from tf_medsynth.experiments.audit import read_samples
from tf_medsynth.experiments.audit.samples import Samples
from tf_medsynth.metrics.descriptors import noise_width
from tf_medsynth.metrics.lesion_crop import lesion_crops
from tf_medsynth.metrics.membership import copy_threshold
from tf_medsynth.metrics.nearest import ImageIndex

SHARE = 0.05
REPEATS = 20


def main() -> None:
    """Runs what was asked for and prints it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--data", default="brats/slices_96")
    parser.add_argument("--scans", type=Path)
    parser.add_argument("--generated", type=Path, nargs="*", default=[])
    parser.add_argument("--speed", action="store_true")
    arguments = parser.parse_args()
    runtime.log_to_stderr()
    if arguments.speed:
        speed()
    if arguments.data_dir is None:
        return
    if arguments.scans:
        made = tf_medsynth.prepare(arguments.data, manual_dir=arguments.scans, data_dir=arguments.data_dir)
        arguments.data = made.dataset
    planted_copies(arguments.data, arguments.data_dir)
    for folder in arguments.generated:
        print(f"\n{folder.name}:")
        with tempfile.TemporaryDirectory() as kept:
            where = {"data_dir": arguments.data_dir, "out": Path(kept) / "memorisation.json"}
            found = tf_medsynth.audit("memorisation", folder, arguments.data, **where)
        print(found.render(), flush=True)


def planted_copies(data: str, data_dir: Path) -> None:
    """Recall and false alarms in pixels and in lesion crops, over all halves of the test patients."""
    whole = read_samples(data, data_dir=data_dir)
    splits = np.asarray(whole.splits)
    training, test = whole.take(splits == "train"), whole.take(splits == "test")
    patients = np.unique(np.asarray(test.patients))
    print(f"{len(training)} training slices, {len(patients)} test patients, {len(test)} test slices")
    for space in ("pixel", "lesion"):
        index, honest, names = indexed(space, training, test)
        count = round(SHARE / (1 - SHARE) * len(honest) / 2)
        copies = np.concatenate(
            [index.nearest(disguised(space, training, count, seed)).distance for seed in range(REPEATS)]
        )
        recall, alarms = [], []
        for half in itertools.combinations(patients, len(patients) // 2):
            null = np.isin(names, half)
            threshold = copy_threshold(honest[null], names[null], FALSE_ALARM)
            recall.append((copies < threshold).mean())
            alarms.append((honest[~null] < threshold).mean())
        print(
            f"{space}: copies' distance at most {copies.max():.3f}; held-out slices' at least "
            f"{honest.min():.3f}, median {np.median(honest):.3f}; {len(copies)} copies, "
            f"{len(recall)} halves: recall {np.mean(recall):.1%} (worst {min(recall):.1%}), "
            f"false alarms {np.mean(alarms):.1%} (worst {max(alarms):.1%})"
        )


def indexed(space: str, training: Samples, test: Samples) -> tuple[ImageIndex, np.ndarray, np.ndarray]:
    """The training set, and distance and patient of every test slice."""
    names = np.asarray(test.patients)
    if space == "pixel":
        index = ImageIndex.of(training.images)
        return index, index.nearest(test.images).distance, names
    crops = lesion_crops(test.images, test.lesion_label)
    cut = lesion_crops(training.images, training.lesion_label)
    index = ImageIndex.of(cut.images, sigma=noise_width(training.image_size))
    return index, index.nearest(crops.images).distance, names[crops.rows]


def disguised(space: str, training: Samples, count: int, seed: int) -> np.ndarray:
    """`count` training slices: half of them mirrored, moved by 2 px, dimmed or brightened, with noise."""
    random = np.random.default_rng(seed)
    rows = np.arange(len(training))
    if space == "lesion":
        rows = lesion_crops(training.images, training.lesion_label).rows
    rows = random.permutation(rows)[:count]
    images, labels = training.images[rows].copy(), training.lesion_label[rows].copy()
    for k in range(len(rows)):
        flip, moved = random.random() < 0.5, random.choice([-2, 0, 2], 2)
        images[k], labels[k] = (
            np.roll(a[:, ::-1] if flip else a, moved, (0, 1)) for a in (images[k], labels[k])
        )
    bright = random.uniform(0.9, 1.1, (len(rows), 1, 1, 1))
    noisy = bright * images + random.normal(0, random.uniform(0.02, 0.05), images.shape)
    images = np.clip(noisy, 0, 1).astype(np.float32)
    return lesion_crops(images, labels).images if space == "lesion" else images


def speed(samples: int = 10_000, training: int = 3_000) -> None:
    """Seconds and peak memory of one search."""
    shape = (184, 144, 4)
    with tempfile.TemporaryDirectory() as folder:
        sets = []
        for name, count in (("samples", samples), ("training", training)):
            stored = np.lib.format.open_memmap(f"{folder}/{name}.npy", "w+", np.float16, (count, *shape))
            random = np.random.default_rng(count)
            for start in range(0, count, 100):
                stored[start : start + 100] = random.random((min(100, count - start), *shape), np.float32)
            stored.flush()
            del stored
            sets.append(np.load(f"{folder}/{name}.npy", mmap_mode="r"))
        began, cpu = time.perf_counter(), time.process_time()
        index = ImageIndex.of(sets[1], progress=runtime.progress)
        described = time.perf_counter() - began
        index.nearest(sets[0], progress=runtime.progress)
        print(
            f"{samples} samples of {shape} against {training}: {described:.0f} s to describe the set, "
            f"{time.perf_counter() - began:.0f} s in all "
            f"({time.process_time() - cpu:.0f} s of processor time), "
            f"peak {runtime.peak_memory_mib():.0f} MiB with mapped files"
        )


if __name__ == "__main__":
    main()
