"""Frechet and kernel distance, neighbourhoods and nearest neighbours of many samples: time and memory.

    python benchmarks/distribution.py [--samples 10000] [--size 184 144]

Random, brain-like images of four modalities are drawn as a stream, so that only features are held,
and seen by an untrained encoder of the size that ``medsynth evaluate --train-features`` trains. Drawing
them is timed apart: it is no part of an evaluation. Aim: 10,000 samples of 184 x 144 within 15 minutes
and 4 GiB on 2 cores.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy import ndimage

from tf_medsynth import runtime
from tf_medsynth.audits.features import build_encoder
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.evaluation import FeatureSettings
from tf_medsynth.evaluation.distribution import distribution_quality
from tf_medsynth.evaluation.features import open_extractor, record_file
from tf_medsynth.metrics.neighbours import nearest

BATCH = 32
PATIENTS = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--size", type=int, nargs=2, default=(184, 144))
    arguments = parser.parse_args()
    runtime.configure(seed=0, precision="float32", threads=2)
    drawing = [0.0]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "encoder.keras"
        build_encoder(tuple(arguments.size), FeatureSettings(), 0).save(file)
        record_file(file).write_text(json.dumps({"input_range": [0, 1]}))
        extractor = open_extractor(file)
        seconds: dict[str, float] = {}
        start = time.perf_counter()
        sets = [
            extractor.features(images(arguments.samples, tuple(arguments.size), seed, drawing))["all"]
            for seed in (1, 2)
        ]
        seconds["features of both sets"] = time.perf_counter() - start - drawing[0]
    real, synthetic = sets
    patients = np.arange(len(real)) * PATIENTS // len(real)
    start = time.perf_counter()
    quality = distribution_quality(real, patients, synthetic)
    seconds["distances and neighbourhoods, and their floor"] = time.perf_counter() - start
    start = time.perf_counter()
    nearest(synthetic, real)
    seconds["nearest neighbours"] = time.perf_counter() - start
    for title, value in seconds.items():
        print(f"{title:48s} {value:8.1f} s")
    total = sum(seconds.values())
    thousands = arguments.samples / 1000
    print(f"{'all':48s} {total:8.1f} s, {total / thousands:.2f} s per 1,000 samples of each set")
    print(f"{'drawing the images (not counted)':48s} {drawing[0]:8.1f} s")
    print(f"{'CPU seconds of the whole process':48s} {time.process_time():8.1f} s")
    print(f"{'peak memory':48s} {runtime.peak_memory_mib():8.0f} MiB")
    print(f"n = {quality['n']}, {quality['features']} features")


def images(count: int, size: tuple[int, int], seed: int, drawing: list[float]) -> Iterator[np.ndarray]:
    """Batches of smooth noise in an ellipse; the time they take is added to `drawing`."""
    random = np.random.default_rng(seed)
    rows, columns = np.meshgrid(*(np.linspace(-1, 1, side) for side in size), indexing="ij")
    organ = ((rows**2 + columns**2) < 0.8)[..., None]
    for start in range(0, count, BATCH):
        began = time.perf_counter()
        coarse = random.random(
            (min(BATCH, count - start), size[0] // 8, size[1] // 8, BRAIN_MRI.num_modalities)
        )
        fine = ndimage.zoom(coarse.astype(np.float32), (1, 8, 8, 1), order=1)
        batch = np.clip(fine * organ, 0.0, 1.0).astype(np.float32)
        drawing[0] += time.perf_counter() - began
        yield batch


if __name__ == "__main__":
    main()
