"""Trains a small feature extractor on the cohort itself, for distances between sets of its images."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_medsynth import runtime
from tf_medsynth.audits.measured import RealData, real_data, without_data
from tf_medsynth.config.base import check, fingerprint
from tf_medsynth.config.domain import Domain
from tf_medsynth.config.evaluation import EvaluationSettings, FeatureSettings
from tf_medsynth.config.imaging import TrainAugmentConfig
from tf_medsynth.data.batches import augmented, training_batches
from tf_medsynth.data.damage import DAMAGES, with_damage
from tf_medsynth.data.slices import SliceSource, open_slices
from tf_medsynth.evaluation.features import record_file, sha256
from tf_medsynth.metrics.classification import area_under_curve
from tf_medsynth.types import Tensor

_MIRROR = TrainAugmentConfig(degrees=8.0, scale=0.05, shift=0.02, gain=0.0, bias=0.0)
_TESTED = 512


@dataclasses.dataclass(frozen=True)
class FeaturesResult:
    """A trained extractor.

    Attributes:
        file: the ``.keras`` file; its record stands beside it.
        record: what it was trained on and how well it learned.
        skipped: whether it was there already.
    """

    file: Path
    record: dict[str, Any]
    skipped: bool


def train_features(
    *,
    out: Path | str,
    run: Path | str | None = None,
    data: str | None = None,
    data_dir: Path | str | None = None,
    seed: int = 0,
    preset: str = "tiny",
    overrides: Mapping[str, Any] | None = None,
) -> FeaturesResult:
    """An encoder of all modalities, trained on the training patients of a prepared data set.

    Its task needs no annotation beyond the lesion label: tell which of `DAMAGES` an image suffered
    (blur, noise, a shifted, exchanged or foreign modality, another contrast) and which lesion classes it
    shows. So its features hold what a synthetic image may lack. Every fifth patient is held out to say
    how well it learned. The networks that are judged by it must not be trained on its answers.

    Args:
        out: the ``.keras`` file; ``.json`` beside it takes the record.
        run: run directory whose data it learns, or None.
        data: in place of `run`: prepared data set, e.g. ``brats/slices_96``.
        data_dir: where it was prepared.
        seed: of weights, order and damages.
        preset: with `data`: whose ``data`` settings make the stored intensities images in [0, 1]. They
            must be those of the images to be compared.
        overrides: ``features.key`` settings of `FeatureSettings`; with `data` also ``data.key``.

    Raises:
        MedSynthError: not prepared, fewer than 2 training patients, or `out` is no ``.keras`` file.
    """
    out = Path(out)
    check("a trained extractor is a .keras file", out.suffix == ".keras", out=str(out))
    runtime.check_new_file(out)
    real = real_data(run, data, data_dir, preset, overrides)
    settings = EvaluationSettings().override(without_data(overrides)).features
    training, held = _split(real, settings)
    _check_memory(training.image_size, settings)
    name = fingerprint("features", training.fingerprint, held.fingerprint, settings.to_dict(), seed)
    file = record_file(out)
    if out.exists() and file.exists():
        kept = runtime.read_json(file, "Remove it.")
        if kept.get("fingerprint") == name and kept.get("sha256") == sha256(out):
            return FeaturesResult(out, kept, True)
    runtime.configure(seed=seed, precision="float32")
    encoder = build_encoder(training.image_size, settings, seed, training.domain)
    watch = runtime.Stopwatch()
    network = _fit(encoder, training, settings, seed)
    with runtime.atomic_path(out) as partial:
        encoder.save(partial)
    record = {
        "input_range": [0.0, 1.0],
        "sha256": sha256(out),
        "features": settings.filters[-1],
        "task": {"damage": list(DAMAGES), "lesion": list(training.domain.lesion_classes)},
        "held_out": _tested(network, held, settings, seed),
        "data": training.name,
        "data_settings": training.settings.to_dict(),
        "patients": list(training.patients),
        "held_out_patients": list(held.patients),
        "settings": settings.to_dict(),
        "seed": seed,
        "seconds": round(watch.seconds, 1),
        "fingerprint": name,
    }
    runtime.write_json(file, record)
    return FeaturesResult(out, record, False)


def build_encoder(
    image_size: tuple[int, int], settings: FeatureSettings, seed: int, domain: Domain
) -> keras.Model:
    """`(B, H, W, M * C)` in [0, 1] of any size to `(B, d)`; layers of Keras only, so that safe mode reads it.

    Without normalisation layers: they would hide how bright or sharp an image is.
    """
    check(
        "images must survive every halving of the encoder",
        min(image_size) >= 2 ** len(settings.filters),
        "Give fewer filters.",
        image_size=image_size,
        filters=settings.filters,
    )
    inputs = keras.Input((None, None, domain.image_channels), name="images")
    hidden = inputs
    for depth, filters in enumerate(settings.filters):
        hidden = keras.layers.Conv2D(
            filters,
            3,
            strides=2 if depth else 1,
            padding="same",
            activation="leaky_relu",
            kernel_initializer=keras.initializers.HeNormal(seed=seed + depth),
            name=f"level_{depth}",
        )(hidden)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D(name="features")(hidden), name="encoder")


def _check_memory(size: tuple[int, int], settings: FeatureSettings) -> None:
    """Raises where weights with gradients and moments, or the first level's output, are more than is left."""
    widths = settings.filters
    weights = 9.0 * sum(before * after for before, after in itertools.pairwise((1, *widths)))
    runtime.check_memory(
        "an extractor, its optimiser and one batch",
        4.0 * (4 * weights + settings.batch_size * size[0] * size[1] * widths[0]),
        "Lower features.filters or features.batch_size.",
        filters=widths,
        batch_size=settings.batch_size,
    )


def _split(real: RealData, settings: FeatureSettings) -> tuple[SliceSource, SliceSource]:
    """Of the training patients those that train, and those that test."""
    where = (real.data, real.data_dir, "train", real.settings)
    source = open_slices(*where)
    check(
        "an extractor needs 2 training patients or more",
        len(source.patients) > 1,
        data=source.name,
        patients=source.patients,
    )
    held = open_slices(*where, folds=settings.held_out)
    others = tuple(p for p in source.patients if p not in held.patients)
    return dataclasses.replace(source, patients=others, count=source.count - held.count), held


_TRAINING, _VALIDATION = "training of features", "validation of features"


def _fit(encoder: keras.Model, source: SliceSource, settings: FeatureSettings, seed: int) -> keras.Model:
    heads = {
        name: keras.layers.Dense(
            units, kernel_initializer=keras.initializers.GlorotUniform(seed=seed + 100 + units), name=name
        )(encoder.output)
        for name, units in (("damage", len(DAMAGES)), ("lesion", source.domain.num_classes - 1))
    }
    network = keras.Model(encoder.input, heads)
    network.compile(
        optimizer=keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(settings.learning_rate, settings.steps), clipnorm=1.0
        ),
        loss={
            "damage": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            "lesion": keras.losses.BinaryCrossentropy(from_logits=True),
        },
    )
    batches = training_batches(
        source,
        batch_size=settings.batch_size,
        seed=seed,
        stop=settings.steps,
        steps=(augmented(_MIRROR, source.domain, seed, _TRAINING), with_damage(seed, _TRAINING)),
    ).map(functools.partial(_task, num_classes=source.domain.num_classes))
    bar = runtime.training_bar(settings.steps, 0, "features")
    told = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: bar.update(1))
    runtime.log.info("features: %d steps on %d slices", settings.steps, source.count)
    network.fit(batches, epochs=1, steps_per_epoch=settings.steps, verbose=0, shuffle=False, callbacks=[told])
    bar.close()
    return network


def _task(batch: dict[str, Tensor], num_classes: int) -> tuple[Tensor, dict[str, Tensor]]:
    classes = tf.range(1, num_classes)[None, None, None, :]
    shown = tf.reduce_any(batch["lesion_label"] == classes, axis=(1, 2))
    return batch["images"], {"damage": batch["damage"], "lesion": tf.cast(shown, tf.float32)}


def _tested(network: keras.Model, held: SliceSource, settings: FeatureSettings, seed: int) -> dict[str, Any]:
    """Accuracy of the damage and area under the curve of each class, on patients not trained on."""
    size = min(settings.batch_size, held.count)
    steps = max(1, min(held.count, _TESTED) // size)
    batches = training_batches(
        held, batch_size=size, seed=seed + 1, stop=steps, steps=(with_damage(seed + 1, _VALIDATION),)
    ).map(functools.partial(_task, num_classes=held.domain.num_classes))
    damage, lesion, kinds, shown = [], [], [], []
    for images, truth in batches:
        answer = network(images, training=False)
        damage.append(np.asarray(answer["damage"]).argmax(axis=-1))
        lesion.append(np.asarray(answer["lesion"]))
        kinds.append(truth["damage"].numpy())
        shown.append(truth["lesion"].numpy())
    found, true = np.concatenate(damage), np.concatenate(kinds)
    scores, classes = np.concatenate(lesion), np.concatenate(shown)
    return {
        "slices": len(found),
        "damage_accuracy": float((found == true).mean()),
        "damage_chance": 1.0 / len(DAMAGES),
        "lesion_auc": {
            name: area_under_curve(scores[:, k], classes[:, k])
            for k, name in enumerate(held.domain.lesion_classes)
        },
    }
