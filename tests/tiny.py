"""Stages and baselines in miniature: 32 pixels, a few filters, batches of random numbers of their shapes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_medsynth.config.domain import Domain
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.families import BASELINES
from tf_medsynth.config.imaging import OperatorConfig
from tf_medsynth.config.presets import Preset, preset
from tf_medsynth.data.patients import left_out_patients
from tf_medsynth.data.slices import open_slices
from tf_medsynth.runs.build import build_stage
from tf_medsynth.runs.restore import upstream
from tf_medsynth.runs.run_directory import StageDirectory, stage_directory
from tf_medsynth.runtime import write_json
from tf_medsynth.stages.base import AdversarialStage
from tf_medsynth.stages.guides import build_segmentors
from tf_medsynth.stages.translation import build_translator

DEVICES = ("CPU:0", "CPU:1")
"""The two logical devices that `conftest.py` sets up."""

SIZE = (32, 32)
DOMAIN = BRAIN_MRI
OPERATORS = DOMAIN.operators_at(*SIZE)

_LENGTH = {
    "training.batch_size": 4,
    "training.steps": 6,
    "training.pretrain_steps": 0,
    "training.log_every": 2,
    "training.checkpoint_every": 2,
    "training.ema_decay": 0.9,
}
OVERRIDES: Mapping[str, Mapping[str, Any]] = {
    "structure": {
        **_LENGTH,
        "training.pretrain_steps": 3,
        "vae.base_filters": 4,
        "vae.latent_dim": 6,
        "mask_generator.base_filters": 4,
        "map_discriminator.base_filters": 4,
        "code_discriminator.hidden": (8,),
    },
    "lesion": {**_LENGTH, "segmentor.base_filters": 4},
    "translation": {**_LENGTH, "generator.base_filters": 4, "discriminator.base_filters": 4},
    "multimodal": {
        **_LENGTH,
        "training.pretrain_steps": 3,
        "generator.base_filters": 4,
        "discriminator.base_filters": 4,
        "maps": "real",  # six steps of stage S do not draw closed outlines
        "map_pool": 12,
    },
    **{name: {**_LENGTH, "generator.base_filters": 4, "discriminator.base_filters": 4} for name in BASELINES},
}
"""Changes of the preset `tiny`, by stage, as `train` takes them."""


def settings(name: str, changes: Mapping[str, Any] | None = None) -> Preset:
    """The preset `tiny`, smaller, for stage `name`."""
    words = {**OVERRIDES.get(name, _LENGTH), **(changes or {})}
    return preset("tiny").override({f"{name}.{key}": value for key, value in words.items()})


def frozen(name: str, guides: str = "multiple", domain: Domain = DOMAIN) -> dict[str, keras.Model]:
    """Untrained guides, of that scheme, and translator, where stage `name` needs them."""
    if name != "multimodal":
        return {}
    guide = dataclasses.replace(settings("lesion").lesion.segmentor, image_size=SIZE)
    built = build_segmentors(guide, guides, domain)
    if domain.num_modalities > 1:
        built |= build_translator(settings("translation").translation.generator, domain, SIZE)
    return built


def build(
    name: str,
    changes: Mapping[str, Any] | None = None,
    seed: int = 1,
    guides: str = "multiple",
    domain: Domain = DOMAIN,
) -> AdversarialStage:
    """Stage `name` of `domain`, untrained; the same bits for the same seed."""
    keras.utils.set_random_seed(seed)
    onlookers = frozen(name, guides, domain)
    return build_stage(name, settings(name, changes), OPERATORS, domain, SIZE, seed, onlookers)


def batch(rows: int = 4, seed: int = 0, domain: Domain = DOMAIN) -> dict[str, np.ndarray]:
    """Random numbers with the names, shapes, dtypes and ranges of a training batch of any stage."""
    rng = np.random.default_rng(seed)
    square = (rows, *SIZE, 1)

    def binary() -> np.ndarray:
        return (rng.random(square) < 0.3).astype("float32")

    def labels() -> np.ndarray:
        return np.where(rng.random(square) < 0.8, 0, rng.integers(0, domain.num_classes, square)).astype(
            "int32"
        )

    return {
        "index": np.arange(rows, dtype="int64") + 10,
        "images": rng.random((rows, *SIZE, domain.image_channels)).astype("float32"),
        "lesion_label": labels(),
        "anatomy": rng.random(square).astype("float32"),
        "structure_map": binary(),
        "background_mask": binary(),
        "drawn_map": binary(),
        "drawn_mask": binary(),
        "drawn_label": labels(),
    }


def as_tensors(arrays: Mapping[str, np.ndarray]) -> dict[str, tf.Tensor]:
    """A batch of arrays as a batch of tensors."""
    return {name: tf.constant(array) for name, array in arrays.items()}


def state(stage: AdversarialStage) -> dict[str, np.ndarray]:
    """Every number that a step may change, by network or player, moving averages and optimisers included."""
    held = dict(stage.networks) | {f"ema {name}": copy for name, copy in stage.ema_networks.items()}
    found = {
        f"{name} {number}": np.array(value)
        for name, network in held.items()
        for number, value in enumerate(network.get_weights())
    }
    for player, optimizer in stage.optimizers.items():
        for number, variable in enumerate(optimizer.variables):
            found[f"optimizer {player} {number}"] = keras.ops.convert_to_numpy(variable)
    return found


def restore(stage: AdversarialStage, held: Mapping[str, np.ndarray]) -> None:
    """Sets `stage` back to a `state`."""
    for name, network in (stage.networks | {f"ema {n}": c for n, c in stage.ema_networks.items()}).items():
        network.set_weights([held[f"{name} {number}"] for number in range(len(network.weights))])
    for player, optimizer in stage.optimizers.items():
        for number, variable in enumerate(optimizer.variables):
            variable.assign(held[f"optimizer {player} {number}"])
    for metric in stage.metrics:
        metric.reset_state()


def leave_finished(
    run: Path,
    name: str,
    changes: Mapping[str, Any] | None = None,
    operators: OperatorConfig = OPERATORS,
    size: tuple[int, int] = SIZE,
    seed: int = 1,
    origin: Any = None,
) -> StageDirectory:
    """The folder that a finished training of `name` would leave, with untrained weights in it.

    With `origin`, a `fixtures.TinyDataset`, the record also says what it was trained on; stage M then
    needs the other stages in `run`.
    """
    chosen = settings(name, changes)
    keras.utils.set_random_seed(seed)
    stage = build_stage(name, chosen, operators, DOMAIN, size, seed, frozen(name))
    directory = stage_directory(run, name)
    config = {
        "stage": name,
        "settings": getattr(chosen, name).to_dict(),
        "data_settings": chosen.data.to_dict(),
        "operators": operators.to_dict(),
        "domain": DOMAIN.to_dict(),
        "seed": seed,
        "image_size": list(size),
    }
    if origin:
        config |= _origin(run, name, origin, chosen)
        _open_masks(stage)
    directory.open(config, {}, resume=False)
    tf.train.CheckpointManager(stage.checkpoint(), str(directory.checkpoints), 1).save(checkpoint_number=6)
    write_json(directory.path / "finished.json", {"steps": 6, "seconds": 1.0, "losses": {}})
    return directory


def _origin(run: Path, name: str, origin: Any, chosen: Preset) -> dict[str, Any]:
    source = open_slices(**origin.where)
    left_out = left_out_patients(source.patients, chosen.lesion) if name == "lesion" else []
    return {
        "data": source.name,
        "data_dir": str(origin.data_dir),
        "data_fingerprint": source.fingerprint,
        "patients": [patient for patient in source.patients if patient not in left_out],
        "upstream": upstream(run, name, source, OPERATORS),
    }


def _open_masks(stage: AdversarialStage) -> None:
    """Lets stage S draw masks in which a label may lie: untrained, they are noise."""
    if "mask_generator" in stage.networks:
        for network in (stage.networks["mask_generator"], stage.ema_networks.get("mask_generator")):
            if network is not None:
                network.weights[-1].assign(network.weights[-1] - 1.0)
