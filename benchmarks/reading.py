"""How fast slices are read and prepared, beside what a stage-M step consumes, in the same run.

    python benchmarks/reading.py --data brats/slices_64 --data-dir DIR [--preset tiny] [--runs 5]

Prints medians of interleaved runs: slices a second read, slices a second ready to train on, slices
a second that stage M's adversarial step takes, and the ratios.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_medsynth import runtime
from tf_medsynth.config.imaging import LabelAugmentConfig
from tf_medsynth.config.presets import Preset, preset
from tf_medsynth.data.batches import DrawnMaps, augmented, training_batches, with_drawn_maps, with_structure
from tf_medsynth.data.slices import SliceSource, open_slices
from tf_medsynth.runs.build import build_stage
from tf_medsynth.stages.base import AdversarialStage

READ_BATCHES, STEPS = 40, 5


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    runtime.configure(seed=0)
    settings = preset(arguments.preset)
    source = open_slices(arguments.data, arguments.data_dir, settings=settings.data)
    read, prepare = reader(source, settings, whole=False), reader(source, settings, whole=True)
    stage = multimodal(source, settings)
    batch = next(iter(batches(source, settings, whole=True)))
    step = tf.function(stage.train_step)
    step(batch)

    def train() -> float:
        start = time.perf_counter()
        for _ in range(STEPS):
            step(batch)
        return STEPS * settings.multimodal.training.batch_size / (time.perf_counter() - start)

    rates = interleaved({"read": read, "read and prepared": prepare, "stage M takes": train}, arguments.runs)
    for name, rate in rates.items():
        print(f"{name:20s} {rate:8.1f} slices/s   {rate / rates['stage M takes']:6.1f} x")


def batches(source: SliceSource, settings: Preset, whole: bool) -> tf.data.Dataset:
    """Batches as read, or with everything stage M needs."""
    training = settings.multimodal.training
    operators = settings.operators or source.domain.operators_at(*source.image_size)
    shape = (64, *source.image_size, 1)
    drawn = DrawnMaps(np.zeros(shape, bool), np.zeros(shape, bool), np.ones(shape, np.uint8))
    steps = (
        *((augmented(training.augment, 0),) if training.augment else ()),
        with_structure(operators, 0),
        with_drawn_maps(drawn, 0, LabelAugmentConfig()),
    )
    return training_batches(
        source, batch_size=training.batch_size, seed=0, stop=READ_BATCHES, steps=steps if whole else ()
    )


def reader(source: SliceSource, settings: Preset, whole: bool) -> Callable[[], float]:
    """A function that reads some batches and returns slices a second, the first batch left out."""

    def measure() -> float:
        iterator = iter(batches(source, settings, whole))
        next(iterator)
        start = time.perf_counter()
        count = sum(int(batch["index"].shape[0]) for batch in iterator)
        return count / (time.perf_counter() - start)

    return measure


def multimodal(source: SliceSource, settings: Preset) -> AdversarialStage:
    """Stage M with untrained guides and translator: their speed is that of trained ones."""
    operators = settings.operators or source.domain.operators_at(*source.image_size)
    frozen = {}
    for name in ("lesion", "translation"):
        built = build_stage(name, settings, operators, source.image_size, 0).networks
        frozen |= {key: net for key, net in built.items() if key != "discriminator"}
    return build_stage("multimodal", settings, operators, source.image_size, 0, frozen)


def interleaved(measures: dict[str, Callable[[], float]], runs: int) -> dict[str, float]:
    """Median of each measure over `runs` rounds."""
    found: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(runs):
        for name, measure in measures.items():
            found[name].append(measure())
    return {name: statistics.median(values) for name, values in found.items()}


if __name__ == "__main__":
    main()
