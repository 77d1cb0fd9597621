"""Are planted copies caught? Real patients, disguised training slices, real samples.

    python benchmarks/memorisation.py --data-dir DIR [--data brats/slices_96] [--scans DIR]
        [--normalisation percentile] [--features FILE] [--generated DIR ...]

The slices are those that `medsynth prepare` left under --data-dir; with --scans they are prepared from
there first. Half of the test patients give the threshold, slices of the other half are the honest samples,
and 5 % of disguised training slices are planted among them: mirrored and moved by 2 px, of other
brightness, with noise, or all of that. The halves change places over every way to split the patients.
--features adds the space of an extractor, which needs the --normalisation it was trained with.
--generated asks the same of data sets that `generate` wrote. How long 10,000 samples take is asked by
`many_samples.py`.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import tf_medsynth
from tf_medsynth import runtime
from tf_medsynth.config.data import DataSettings
from tf_medsynth.evaluation.features import Extractor, open_extractor
from tf_medsynth.evaluation.memorisation import FALSE_ALARM, described, memorisation
from tf_medsynth.metrics.membership import copy_threshold
from tf_medsynth.runs.reading import read_samples
from tf_medsynth.runs.samples import Samples

SHARE = 0.05
REPEATS = 20
MOVED, BRIGHT, NOISY = "mirrored and moved by 2 px", "other brightness", "noise"
DISGUISES = ((MOVED,), (BRIGHT,), (NOISY,), (MOVED, BRIGHT, NOISY))


def main() -> None:
    """Runs what was asked for and prints it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--data", default="brats/slices_96")
    parser.add_argument("--scans", type=Path)
    parser.add_argument("--normalisation", default=DataSettings().normalisation)
    parser.add_argument("--features", type=Path)
    parser.add_argument("--generated", type=Path, nargs="*", default=[])
    arguments = parser.parse_args()
    runtime.log_to_stderr()
    if arguments.scans:
        made = tf_medsynth.prepare(arguments.data, manual_dir=arguments.scans, data_dir=arguments.data_dir)
        arguments.data = made.dataset
    extractor = open_extractor(arguments.features) if arguments.features else None
    settings = DataSettings(normalisation=arguments.normalisation)
    planted_copies(arguments.data, arguments.data_dir, settings, extractor)
    for folder in arguments.generated:
        print(f"\n{folder.name}:")
        with tempfile.TemporaryDirectory() as kept:
            where = {"data_dir": arguments.data_dir, "out": Path(kept) / "memorisation.json"}
            found = tf_medsynth.audit(
                "memorisation", folder, arguments.data, features=arguments.features, **where
            )
        print(found.render(), flush=True)


def planted_copies(data: str, data_dir: Path, settings: DataSettings, extractor: Extractor | None) -> None:
    """Recall and false alarms in every space, for each disguise, over all halves of the test patients."""
    training, test = (
        read_samples(f"{data}:{split}", data_dir=data_dir, settings=settings) for split in ("train", "test")
    )
    names = np.asarray(test.patients)
    print(f"{len(training)} training slices, {len(np.unique(names))} test patients, {len(test)} test slices")
    held, others = (described(one.batches(), extractor, one.modalities) for one in (training, test))
    count = round(SHARE / (1 - SHARE) * len(test) / 2)
    for disguise in DISGUISES:
        copies = [disguised(training, count, seed, disguise) for seed in range(REPEATS)]
        honest = {"images": test.images, "lesion_label": np.asarray(test.lesion_label)}
        found = memorisation(described([*copies, honest], extractor, test.modalities), held, others)
        print(f"{', '.join(disguise)}:", flush=True)
        for space, told in found["spaces"].items():
            distance = np.array(told["distance"], float)
            print(f"  {space}: {verdict(distance[: -len(test)], distance[-len(test) :], names)}", flush=True)


def verdict(copies: np.ndarray, honest: np.ndarray, names: np.ndarray) -> str:
    """Recall and false alarms in words; NaN is no distance."""
    copies, names, honest = copies[~np.isnan(copies)], names[~np.isnan(honest)], honest[~np.isnan(honest)]
    recall, alarms = zip(*shares(copies, honest, names), strict=True)
    return (
        f"copies' distance median {np.median(copies):.3f}, at most {copies.max():.3f}; held-out slices' at "
        f"least {honest.min():.3f}, median {np.median(honest):.3f}; {len(copies)} copies, {len(recall)} "
        f"halves: recall {np.mean(recall):.1%} (worst {min(recall):.1%}), "
        f"false alarms {np.mean(alarms):.1%} (worst {max(alarms):.1%})"
    )


def shares(copies: np.ndarray, honest: np.ndarray, names: np.ndarray) -> Iterator[tuple[float, float]]:
    """Recall and false alarms by the threshold of each half of the patients."""
    patients = np.unique(names)
    for half in itertools.combinations(patients, len(patients) // 2):
        null = np.isin(names, half)
        threshold = copy_threshold(honest[null], names[null], FALSE_ALARM)
        yield float((copies < threshold).mean()), float((honest[~null] < threshold).mean())


def disguised(training: Samples, count: int, seed: int, disguise: tuple[str, ...]) -> dict[str, Any]:
    """`count` training slices; half of those that are moved are mirrored."""
    random = np.random.default_rng(seed)
    rows = random.permutation(len(training))[:count]
    images, labels = training.images[rows], np.asarray(training.lesion_label)[rows]
    for k in range(len(rows) if MOVED in disguise else 0):
        flip, moved = random.random() < 0.5, random.choice([-2, 0, 2], 2)
        images[k], labels[k] = (
            np.roll(a[:, ::-1] if flip else a, moved, (0, 1)) for a in (images[k], labels[k])
        )
    if BRIGHT in disguise:
        images = random.uniform(0.9, 1.1, (len(rows), 1, 1, 1)) * images
    if NOISY in disguise:
        images = images + random.normal(0, random.uniform(0.02, 0.05), images.shape)
    return {"images": np.clip(images, 0, 1).astype(np.float32), "lesion_label": labels}


if __name__ == "__main__":
    main()
