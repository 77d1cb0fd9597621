"""Can a network tell? A real-or-synthetic classifier, trained on one half, read on the other."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from tf_medsynth.config.base import check
from tf_medsynth.metrics.arrays import as_images
from tf_medsynth.metrics.classification import area_under_curve, binary_accuracy

FILTERS = (16, 32, 48, 64)
BATCH = 32
LEARNING_RATE = 2e-3
CROP = 2 / 3
"""Side of the training crops, as a share of the image's: texture is learned, not the anatomy."""

MINIMUM_SIZE = 24

_LAPLACIAN = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], np.float32)[None, :, :, None]


class _Half(NamedTuple):
    """As many real as synthetic images."""

    images: NDArray[np.float32]
    synthetic: NDArray[np.bool_]


def real_or_synthetic(
    real: ArrayLike,
    real_patients: ArrayLike,
    synthetic: ArrayLike,
    synthetic_groups: ArrayLike | None = None,
    seed: int = 0,
    steps: int = 400,
) -> dict[str, Any]:
    """How well a small CNN tells synthetic images from real ones it was not trained on.

    An AUC of 0.5 means it cannot, 1 that it always can. A cheap giveaway (a background that is not
    exactly 0, a softness) is enough for 1: the number says that there is a difference, not how
    large. Half of the patients train, the others test; both halves hold as many real as synthetic.
    From a handful of patients an AUC well below 0.5 is their difference, not a sign: read several seeds.
    The network is also given each image's Laplacian: without it a blur of half a pixel escapes it.

    Args:
        real: `(n, H, W, M)` in [0, 1].
        real_patients: `(n,)` names, two or more patients.
        synthetic: `(m, H, W, M)` in [0, 1].
        synthetic_groups: `(m,)` names of what must not be split (the patient whose map or label a
            sample was drawn from; a name among `real_patients` goes into that patient's half); None
            where each sample is its own.
        seed: names the split, the weights and the order; equal seeds give equal answers on one
            machine.
        steps: gradient steps of 32 crops.

    Returns:
        On the held-out half ``accuracy``, ``auc``, ``accuracy_real``, ``accuracy_synthetic``; the
        ``training_accuracy``; the counts ``training_images``, ``test_images`` (both classes
        together) and ``test_patients``; ``seed`` and ``steps``.
    """
    real, synthetic = as_images(real, "real"), as_images(synthetic, "synthetic")
    patients = np.asarray(real_patients).astype(str)
    nobody = [f"sample {number}, of nobody" for number in range(len(synthetic))]
    groups = np.asarray(nobody if synthetic_groups is None else synthetic_groups).astype(str)
    _check_sets(real, patients, synthetic, groups, steps)
    random = np.random.default_rng(seed)
    tests_real, tests_synthetic = _held_out(patients, groups, random)
    check(
        "both halves need synthetic images",
        bool(tests_synthetic.any() and not tests_synthetic.all()),
        "Give more groups, or another seed.",
        seed=seed,
        held_out=int(tests_synthetic.sum()),
        synthetic=len(synthetic),
    )
    training = _balanced(real[~tests_real], synthetic[~tests_synthetic], random)
    test = _balanced(real[tests_real], synthetic[tests_synthetic], random)
    classifier = _trained(training, steps, seed, random)
    scores, fitted = (_probability(classifier, half.images) for half in (test, training))
    truth = test.synthetic
    return {
        "accuracy": binary_accuracy(scores, truth),
        "auc": area_under_curve(scores, truth),
        "accuracy_real": binary_accuracy(scores[~truth], truth[~truth]),
        "accuracy_synthetic": binary_accuracy(scores[truth], truth[truth]),
        "training_accuracy": binary_accuracy(fitted, training.synthetic),
        "training_images": len(training.images),
        "test_images": len(test.images),
        "test_patients": len(np.unique(patients[tests_real])),
        "seed": seed,
        "steps": steps,
    }


def _check_sets(
    real: NDArray[np.float32],
    patients: NDArray[Any],
    synthetic: NDArray[np.float32],
    groups: NDArray[Any],
    steps: int,
) -> None:
    check(
        "real and synthetic images must have one size and number of modalities",
        real.shape[1:] == synthetic.shape[1:] and min(real.shape[1:3]) >= MINIMUM_SIZE,
        f"At least {MINIMUM_SIZE} x {MINIMUM_SIZE}.",
        real=real.shape,
        synthetic=synthetic.shape,
    )
    check(
        "each image needs its patient or group",
        patients.shape == (len(real),) and groups.shape == (len(synthetic),),
        real_patients=patients.shape,
        synthetic_groups=groups.shape,
    )
    for name, members in (("patients", patients), ("synthetic groups", groups)):
        count = len(np.unique(members))
        check(f"a held-out half needs 2 {name} or more", count >= 2, received=count)
    check("steps must be at least 1", steps >= 1, steps=steps)


def _held_out(
    patients: NDArray[Any], groups: NDArray[Any], random: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """True for the images, real and synthetic, of a random half (rounded down) of both kinds of names."""
    own = np.unique(patients)
    others = np.unique(groups[~np.isin(groups, own)])
    tests = [random.permutation(names)[: len(names) // 2] for names in (own, others)]
    return np.isin(patients, tests[0]), np.isin(groups, tests[0]) | np.isin(groups, tests[1])


def _balanced(
    real: NDArray[np.float32], synthetic: NDArray[np.float32], random: np.random.Generator
) -> _Half:
    """Equally many of both, drawn without return from the larger."""
    size = min(len(real), len(synthetic))
    chosen = [images[np.sort(random.permutation(len(images))[:size])] for images in (real, synthetic)]
    return _Half(np.concatenate(chosen), np.repeat([False, True], size))


def _trained(half: _Half, steps: int, seed: int, random: np.random.Generator) -> keras.Model:
    seen = _with_laplacian(half.images)
    classifier = _build_classifier(seen, seed)
    classifier.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
    )
    height, width = (int(CROP * side) for side in seen.shape[1:3])
    for _ in range(steps):
        # With return, so that one batch size is traced however small the half is.
        chosen = random.integers(len(seen), size=BATCH)
        top, left = random.integers([seen.shape[1] - height + 1, seen.shape[2] - width + 1])
        crops = seen[chosen, top : top + height, left : left + width]
        flipped = random.random(BATCH) < 0.5
        crops[flipped] = crops[flipped, :, ::-1]
        classifier.train_on_batch(crops, half.synthetic[chosen, None].astype(np.float32))
    return classifier


def _with_laplacian(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """`(n, H, W, 2 M)`: the images, then their Laplacians."""
    return np.concatenate([images, ndimage.convolve(images, _LAPLACIAN, mode="nearest")], axis=-1)


def _build_classifier(seen: NDArray[np.float32], seed: int) -> keras.Model:
    """Inputs of any size to one logit, in float32 whatever the policy; full resolution first.

    Without normalisation layers: they would hide how sharp an image is.
    """
    mean = seen.mean(axis=(0, 1, 2), dtype=np.float64)
    spread = np.maximum(seen.std(axis=(0, 1, 2), dtype=np.float64), 1e-4)
    inputs = keras.Input((None, None, seen.shape[-1]), dtype="float32")
    hidden = keras.layers.Normalization(mean=mean, variance=spread**2, dtype="float32")(inputs)
    for depth, filters in enumerate(FILTERS):
        hidden = keras.layers.Conv2D(
            filters,
            3,
            strides=2 if depth else 1,
            padding="same",
            activation="leaky_relu",
            kernel_initializer=keras.initializers.HeNormal(seed=seed + depth),
            dtype="float32",
        )(hidden)
    pooled = keras.layers.GlobalAveragePooling2D(dtype="float32")(hidden)
    glorot = keras.initializers.GlorotUniform(seed=seed + len(FILTERS))
    logit = keras.layers.Dense(1, kernel_initializer=glorot, dtype="float32")(pooled)
    return keras.Model(inputs, logit, name="real_or_synthetic")


def _probability(classifier: keras.Model, images: NDArray[np.float32]) -> NDArray[np.float64]:
    seen = _with_laplacian(images)
    # Called directly: `predict` would trace a graph for each of the few sizes it meets.
    logits = [
        keras.ops.convert_to_numpy(classifier(seen[start : start + 2 * BATCH], training=False))[:, 0]
        for start in range(0, len(seen), 2 * BATCH)
    ]
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * np.concatenate(logits).astype(np.float64))))
