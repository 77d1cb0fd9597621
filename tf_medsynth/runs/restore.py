"""Finished stages of a run: their networks, their identity, and what stage M trains on."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_medsynth import runtime
from tf_medsynth.config.base import check, fingerprint
from tf_medsynth.config.data import DataSettings
from tf_medsynth.config.domain import Domain
from tf_medsynth.config.families import FAMILIES, needs
from tf_medsynth.config.families.multimodal import MultimodalSettings
from tf_medsynth.config.imaging import ContourConfig, OperatorConfig
from tf_medsynth.config.presets import Preset
from tf_medsynth.data.batches import DrawnMaps, training_batches, with_structure
from tf_medsynth.data.slices import SliceSource
from tf_medsynth.generation import functions
from tf_medsynth.generation.map_pool import accepted_maps
from tf_medsynth.imaging.labels import label_kind
from tf_medsynth.runs.build import build_stage
from tf_medsynth.runs.run_directory import StageDirectory, stage_directory
from tf_medsynth.stages.base import AdversarialStage
from tf_medsynth.stages.structure import StructureStage

_LABELS_KEPT = 1000
_CHECKPOINT = re.compile(r"ckpt-[0-9]+")
_REMEDY = "Remove the stage's folder and train it again."


def upstream(run: Path, stage: str, source: SliceSource, operators: OperatorConfig) -> dict[str, str]:
    """Names of the finished stages that `stage` builds on, by their weights.

    Raises:
        MedSynthError: one is missing or unfinished, or was trained on images of another size,
            normalisation or structure map.
    """
    found = {}
    for name in needs(stage, source.domain):
        directory = stage_directory(run, name)
        directory.require_finished()
        config = directory.networks()
        here: dict[str, Any] = {
            "image_size": list(source.image_size),
            "domain": source.domain.to_dict(),
            "data_settings": source.settings.to_dict(),
        }
        if "structure" in FAMILIES[name].batch:
            here["operators"] = operators.to_dict()
        for key, value in here.items():
            check(
                f"stage {name!r} was trained with other {key}",
                config[key] == value,
                "Train all stages of a run on the same images.",
                trained=config[key],
                now=value,
            )
        found[name] = weights_hash(directory)
    return found


_DRAWING = 2
"""Raised whenever the same weights draw other samples: one row a call, maps by the hard operator."""


def weights_hash(directory: StageDirectory) -> str:
    """Hexadecimal name of a finished stage: its settings and every bit of its weights."""
    digest = hashlib.sha256()
    with whole_checkpoint(directory) as latest:
        reader = tf.train.load_checkpoint(latest)
        for name in sorted(reader.get_variable_to_dtype_map()):
            # Values by their place in the stage; the graph holds names that Keras numbers by process.
            if name.split("/")[0] not in ("_CHECKPOINTABLE_OBJECT_GRAPH", "save_counter"):
                digest.update(name.encode())
                digest.update(reader.get_tensor(name).tobytes())
    return fingerprint(directory.networks()["fingerprint"], digest.hexdigest())


def model_hash(run: Path | str) -> str:
    """Hexadecimal name of a run's model: the weights that its samples are drawn with.

    Raises:
        MedSynthError: a stage is missing or unfinished.
    """
    directories = [stage_directory(run, name) for name in ("structure", "multimodal")]
    for directory in directories:
        directory.require_finished()
    return name_of_model(*map(weights_hash, directories))


def name_of_model(structure: str, multimodal: str) -> str:
    """Hexadecimal name of what draws samples, by the `weights_hash` of its two stages."""
    return fingerprint(_DRAWING, structure, multimodal)


def load_stage(directory: StageDirectory, frozen: dict[str, keras.Model] | None = None) -> AdversarialStage:
    """A finished stage with its trained weights, as it was when its training ended."""
    directory.require_finished()
    config = directory.networks()
    name = config["stage"]
    settings = Preset.from_dict({name: config["settings"], "data": config["data_settings"]})
    operators = OperatorConfig.from_dict(config["operators"])
    size = (config["image_size"][0], config["image_size"][1])
    domain = Domain.from_dict(config["domain"])
    stage = build_stage(name, settings, operators, domain, size, config["seed"], frozen)
    with whole_checkpoint(directory) as latest:
        stage.checkpoint().restore(latest).assert_existing_objects_matched()
    return stage


@contextlib.contextmanager
def whole_checkpoint(directory: StageDirectory) -> Iterator[str]:
    """Context with the path of a stage's last checkpoint; damage that is met in it becomes one line.

    Raises:
        MedSynthError: there is none, or it is not that of this stage, whole.
    """
    latest = latest_checkpoint(directory)
    check("a finished stage has a checkpoint", latest is not None, _REMEDY, folder=str(directory.checkpoints))
    assert latest is not None
    try:
        yield latest
    except (tf.errors.OpError, AssertionError, IndexError, ValueError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        check(
            "a stage's checkpoint must be whole, and of this stage", False, _REMEDY, file=latest, error=first
        )


def latest_checkpoint(directory: StageDirectory) -> str | None:
    """Path of a stage's last checkpoint, as the file ``checkpoint`` names it; None before the first one.

    Raises:
        MedSynthError: that file is damaged, or names what is no checkpoint in this very folder.
    """
    record = directory.checkpoints / "checkpoint"
    if not record.exists():
        return None
    try:
        found = tf.train.get_checkpoint_state(str(directory.checkpoints))
    except (tf.errors.OpError, ValueError):
        found = None
    named = Path(found.model_checkpoint_path) if found is not None else Path()
    own = directory.checkpoints / named.name
    check(
        "the file checkpoint names the last checkpoint in its folder",
        named.parent == directory.checkpoints
        and _CHECKPOINT.fullmatch(named.name) is not None
        and own.with_name(f"{own.name}.index").is_file(),
        _REMEDY,
        file=str(record),
        named=None if found is None else runtime.short(str(found.model_checkpoint_path)),
    )
    return str(own)


def frozen_networks(run: Path, stage: str) -> dict[str, keras.Model]:
    """What other families lend to the training of `stage`, by name: guides and translator for stage M."""
    lenders = [stage_directory(run, name) for name in FAMILIES[stage].frozen]
    networks: dict[str, keras.Model] = {}
    for lender in lenders:
        domain = Domain.from_dict(lenders[0].networks()["domain"])
        if lender.name in needs(stage, domain):
            networks |= load_stage(lender).lends()
    return networks


def drawn_maps(
    run: Path,
    own: MultimodalSettings,
    operators: OperatorConfig,
    source: SliceSource,
    seed: int,
    contour: ContourConfig | None = None,
) -> DrawnMaps:
    """Maps, masks and labels that stage M's free part is drawn from; kept in the run.

    Args:
        contour: which of the maps that stage S draws are closed.
    """
    file = run / "multimodal" / "maps.npz"
    if not file.exists():
        labels = _labels(source)
        if own.maps == "synthetic":
            stage = load_stage(stage_directory(run, "structure"))
            assert isinstance(stage, StructureStage)
            draw = functools.partial(functions.drawn_maps, functions.map_function(stage, "map pool"))
            maps, masks, share = accepted_maps(draw, own.map_pool, seed, contour or ContourConfig())
        else:
            maps, masks, share = *_real_maps(source, operators, own.map_pool, seed), 1.0
        with runtime.atomic_path(file) as partial, partial.open("wb") as stream:
            np.savez_compressed(stream, maps=maps, masks=masks, labels=labels, share=share)
    held = runtime.read_archive(file, ("maps", "masks", "labels"), "Remove it: it is drawn again.")
    return DrawnMaps(held["maps"], held["masks"], held["labels"])


def _labels(source: SliceSource) -> np.ndarray:
    """Up to a thousand labels that show something, in the dataset's order; one of zeros where they follow
    their map and none is drawn.
    """
    kind = label_kind(source.domain)
    dtype = np.uint8 if kind.dtype == "int32" else kind.dtype
    if kind.follows_map:
        return np.zeros((1, *kind.shape(*source.image_size)), dtype)
    kept: list[np.ndarray] = []
    for example in source.examples().as_numpy_iterator():
        if kind.shown(example["lesion_label"][None])[0]:
            kept.append(example["lesion_label"].astype(dtype))
        if len(kept) == _LABELS_KEPT:
            break
    check("stage M needs labels that show a lesion", bool(kept), data=source.name)
    return np.stack(kept)


def _real_maps(
    source: SliceSource, operators: OperatorConfig, count: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    steps = (with_structure(operators, source.domain, seed, "map pool"),)
    batches = training_batches(source, batch_size=8, seed=seed, stop=-(-count // 8), steps=steps)
    kept = list(batches.as_numpy_iterator())
    maps = np.concatenate([b["structure_map"] for b in kept])[:count] > 0.5
    return maps, np.concatenate([b["background_mask"] for b in kept])[:count] > 0.5


def data_settings(config: dict[str, Any]) -> DataSettings:
    """The data settings a stage was trained with."""
    return DataSettings.from_dict(json.loads(json.dumps(config["data_settings"])))
