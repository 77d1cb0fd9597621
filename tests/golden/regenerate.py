"""Writes the golden files of this folder with tensorflow-addons, or with ``--check`` compares them.

Runs in the environment of `requirements/addons.txt` (see README.md), never in the toolkit's own.
"""

import argparse
import os
import pathlib
import sys

# Keep this a program of Python 3.11 + TensorFlow 2.15 alone: it imports nothing of ours.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import numpy as np
import tensorflow as tf
import tensorflow_addons as tfa

FOLDER = pathlib.Path(__file__).parent
TOLERANCE = 1e-6
"""Other processors may round the last digit otherwise."""


def _images(seed, shape):
    return np.random.default_rng(seed).random(shape).astype(np.float32)


def _labels(seed, shape):
    """Labels in blocks of 3 x 3 px, so that a wrong rotation is not mistaken for noise."""
    blocks = np.random.default_rng(seed).integers(0, 5, (shape[0], shape[1] // 3 + 1, shape[2] // 3 + 1, 1))
    return blocks.repeat(3, 1).repeat(3, 2)[:, : shape[1], : shape[2]].astype(np.int32)


def gaussian_blur():
    images = _images(1, (2, 17, 13, 2))
    blurred = {
        f"blurred_{size}_sigma_{sigma}": tfa.image.gaussian_filter2d(images, size, sigma, padding="REFLECT")
        for size, sigma in ((3, 0.8), (5, 1.5))
    }
    return {"images": images, **blurred}


def median_filter():
    images = _images(2, (2, 17, 13, 2))
    return {
        "images": images,
        "median_3": tfa.image.median_filter2d(images, 3, padding="REFLECT"),
        "median_5": tfa.image.median_filter2d(images, 5, padding="REFLECT"),
        "median_3_constant": tfa.image.median_filter2d(images, 3, padding="CONSTANT", constant_values=0),
    }


def rotation():
    images, labels = _images(3, (4, 17, 13, 1)), _labels(4, (4, 17, 13, 1))
    degrees = np.array([0, 33, 90, 217], np.float32)  # 30 would put pixels on a tie
    radians = np.deg2rad(degrees).astype(np.float32)
    return {
        "images": images,
        "labels": labels,
        "degrees": degrees,
        "rotated_bilinear": tfa.image.rotate(images, radians, interpolation="bilinear"),
        "rotated_nearest": tfa.image.rotate(labels, radians, interpolation="nearest"),
    }


def translation():
    images, labels = _images(5, (4, 17, 13, 1)), _labels(6, (4, 17, 13, 1))
    shifts = np.array([[0, 0], [2, -3], [-1.25, 0.6], [4.4, 5.3]], np.float32)
    right_down = shifts[:, ::-1].copy()
    return {
        "images": images,
        "labels": labels,
        "shifts": shifts,
        "translated_bilinear": tfa.image.translate(images, right_down, interpolation="bilinear"),
        "translated_nearest": tfa.image.translate(labels, right_down, interpolation="nearest"),
    }


def instance_normalization():
    inputs = 3 * _images(7, (2, 6, 5, 3)) - 1
    gamma, beta = _images(8, (3,)) + 0.5, _images(9, (3,)) - 0.5
    layer = tfa.layers.InstanceNormalization(epsilon=1e-5)
    layer.build(inputs.shape)
    layer.set_weights([gamma, beta])
    return {
        "inputs": inputs,
        "gamma": gamma,
        "beta": beta,
        "epsilon": np.float64(1e-5),
        "outputs": layer(inputs),
    }


def spectral_normalization():
    inputs = _images(10, (2, 6, 5, 3)) - 0.5
    kernel, bias = _images(11, (3, 3, 3, 4)) - 0.5, _images(12, (4,))
    convolution = tf.keras.layers.Conv2D(4, 3, padding="same")
    layer = tfa.layers.SpectralNormalization(convolution, power_iterations=1)
    layer.build(inputs.shape)
    convolution.set_weights([kernel, bias])
    direction = _images(13, (1, 4)) - 0.5
    layer.u.assign(direction)
    arrays = {"inputs": inputs, "kernel": kernel, "bias": bias, "u": direction}
    for call in (1, 2, 3):
        outputs = layer(inputs, training=True)
        if call != 2:
            arrays |= {
                f"kernel_{call}": convolution.kernel.numpy(),
                f"u_{call}": layer.u.numpy(),
                f"outputs_{call}": outputs,
            }
    return arrays


GOLDENS = (
    gaussian_blur,
    median_filter,
    rotation,
    translation,
    instance_normalization,
    spectral_normalization,
)


def _write(name, arrays):
    temporary = FOLDER / f".{name}.partial.npz"
    np.savez(temporary, **arrays)
    os.replace(temporary, FOLDER / f"{name}.npz")


def _differences(name, arrays):
    """What the committed file has otherwise, in words."""
    path = FOLDER / f"{name}.npz"
    if not path.exists():
        return [f"{path.name} is missing: run this script without --check"]
    with np.load(path) as committed:
        if set(committed.files) != set(arrays):
            return [f"{path.name} holds {sorted(committed.files)}, recomputed {sorted(arrays)}"]
        return [
            f"{path.name}: {key} differs"
            for key, value in arrays.items()
            if committed[key].dtype != value.dtype
            or committed[key].shape != value.shape
            or not np.allclose(committed[key], value, rtol=0, atol=TOLERANCE)
        ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the files, write nothing")
    check = parser.parse_args().check
    problems = []
    for golden in GOLDENS:
        name, arrays = golden.__name__, {key: np.asarray(value) for key, value in golden().items()}
        if check:
            problems += _differences(name, arrays)
        else:
            _write(name, arrays)
    print("\n".join(problems) or f"{len(GOLDENS)} golden files {'agree' if check else 'written'}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
