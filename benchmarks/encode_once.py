"""Generator step with one encoder pass for all modalities, against one whole pass a modality.

A step is forward, backward and an SGD update of encoder and decoder. The two forms take turns, so a
busy machine slows both; figures are medians of the runs. Processor seconds stand beside wall seconds:
they hardly change with what else the machine does. TensorFlow itself merges the unrolled form's equal
encoder passes on the way forward, so what is measured is the rest.

    python benchmarks/encode_once.py [--runs 5] [--precision float32] [--case NAME ...]
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import time
from collections.abc import Callable

import keras
import tensorflow as tf
from keras import ops

from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.networks import PAPER_SPECS, TINY_SPECS, UNetSpec
from tf_medsynth.networks import build_unet_decoder, build_unet_encoder, decode_each, decode_each_unrolled


def _tiny(size: int) -> UNetSpec:
    spec = TINY_SPECS["generator"]
    assert isinstance(spec, UNetSpec)
    return dataclasses.replace(spec, image_size=(size, size))


def _paper() -> UNetSpec:
    spec = PAPER_SPECS["generator_brats"]
    assert isinstance(spec, UNetSpec)
    return spec


CASES: dict[str, tuple[UNetSpec, int, float]] = {
    "paper": (_paper(), 1, 1.25),
    "paper_norm": (dataclasses.replace(_paper(), conditioning="norm"), 1, 1.25),
    "tiny": (_tiny(96), 4, 1.5),
    "tiny_64": (_tiny(64), 8, 1.5),
    "tiny_patched": (dataclasses.replace(_tiny(96), patch=2, base_filters=32), 4, 1.5),
}
"""Spec, batch size and the ratio to reach."""

Step = Callable[[], tf.Tensor]


def build_steps(spec: UNetSpec, batch: int) -> dict[str, Step]:
    """The two compiled steps on one set of weights and random inputs."""
    encoder, decoder = build_unet_encoder(spec), build_unet_decoder(spec)
    images = tf.random.stateless_uniform((batch, *spec.image_size, spec.in_channels), (0, 1))
    targets = tf.random.stateless_uniform((batch, *spec.image_size, BRAIN_MRI.num_modalities), (0, 2))
    conditions = ops.eye(BRAIN_MRI.num_modalities)
    variables = encoder.trainable_variables + decoder.trainable_variables
    optimizer = keras.optimizers.SGD(1e-4)
    optimizer.build(variables)

    def compiled(synthesise: Callable[[], tf.Tensor]) -> Step:
        @tf.function
        def step() -> tf.Tensor:
            with tf.GradientTape() as tape:
                loss = ops.mean(ops.square(synthesise() - targets))
            optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)
            return loss

        return step

    return {
        "encode once": compiled(
            lambda: decode_each(encoder(images, training=True), decoder, conditions, True)
        ),
        "unrolled": compiled(lambda: decode_each_unrolled(images, encoder, decoder, conditions, True)),
    }


def measure(steps: dict[str, Step], runs: int) -> dict[str, list[tuple[float, float]]]:
    """Wall and processor seconds of `runs` interleaved calls of each step, after two that are not counted."""
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
    for index in range(runs + 2):
        for name, step in steps.items():
            wall, processor = time.perf_counter(), time.process_time()
            step().numpy()
            if index >= 2:
                seconds[name].append((time.perf_counter() - wall, time.process_time() - processor))
    return seconds


def main() -> None:
    """Prints one line a case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--case", nargs="*", choices=sorted(CASES), default=["paper", "tiny"])
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    arguments = parser.parse_args()
    keras.config.set_dtype_policy("float32" if arguments.precision == "float32" else "mixed_bfloat16")
    print(
        f"{'case':12} {'batch':>5} {'once s':>8} {'unrolled s':>10} {'ratio':>6} {'CPU ratio':>9} {'goal':>5}"
    )
    for name in arguments.case:
        spec, batch, goal = CASES[name]
        seconds = measure(build_steps(spec, batch), arguments.runs)
        wall, processor = (
            {form: statistics.median(run[clock] for run in runs) for form, runs in seconds.items()}
            for clock in (0, 1)
        )
        ratio, processor_ratio = (times["unrolled"] / times["encode once"] for times in (wall, processor))
        print(
            f"{name:12} {batch:5d} {wall['encode once']:8.3f} {wall['unrolled']:10.3f} {ratio:6.2f} "
            f"{processor_ratio:9.2f} {goal:5.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
