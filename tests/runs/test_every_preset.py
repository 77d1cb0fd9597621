"""Every stage of every preset takes a step of each of its phases: narrow networks, the batches of `train`.

Steps run eagerly: tracing would cost minutes, and `test_train.py` goes through that. What two presets have in
common once narrowed is trained once.
"""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests import tiny
from tf_medsynth.config.domain import Domain
from tf_medsynth.config.families import BASELINES, STAGES, TRAINABLE
from tf_medsynth.config.presets import PRESETS, Preset, preset
from tf_medsynth.data.batches import training_batches
from tf_medsynth.data.slices import open_slices
from tf_medsynth.runs.build import build_stage
from tf_medsynth.runs.fit import _batch_steps
from tf_medsynth.stages.guides import build_segmentors
from tf_medsynth.stages.translation import build_translator

_PLAIN = {"training.batch_size": 2, "training.steps": 2, "training.ema_decay": 0.0}
_IMAGE = {**_PLAIN, "generator.base_filters": 2, "discriminator.base_filters": 2}
NARROW: dict[str, dict[str, Any]] = {
    "structure": {
        **_PLAIN,
        "vae.base_filters": 2,
        "vae.latent_dim": 16,
        "mask_generator.base_filters": 2,
        "map_discriminator.base_filters": 2,
        "code_discriminator.base_filters": 2,
    },
    "lesion": {**_PLAIN, "segmentor.base_filters": 2, "scheme": "single"},
    "translation": _IMAGE,
    "multimodal": {**_IMAGE, "maps": "real", "map_pool": 8},  # an untrained stage S closes no outline
    **dict.fromkeys(BASELINES, _IMAGE),
}
"""By stage, what is changed of any preset, as ``--set`` changes it."""
PUBLISHED = {"structure.vae.working_size": (64, 64), "structure.vae.decoder_dense": (16,)}
"""Of the thesis alone, whose coder has sizes of its own."""


def narrowed(name: str) -> Preset:
    """Preset `name`, narrow, with two steps: the first is the pre-training's where there is one."""
    settings = preset(name)
    changes: dict[str, Any] = dict(PUBLISHED) if name == "thesis" else {}
    for stage in TRAINABLE:
        pretrained = bool(getattr(settings, stage).training.pretrain_steps)
        words = {**NARROW[stage], "training.pretrain_steps": int(pretrained)}
        changes |= {f"{stage}.{key}": value for key, value in words.items()}
    return settings.override(changes)


def cases() -> list[tuple[str, str]]:
    """(preset, stage), the first of each kind.

    Stage S stands for the normalisation of the data, and stage M for the baselines that are as wide.
    """
    first: dict[str, tuple[str, str]] = {}
    for name in PRESETS:
        settings = narrowed(name)
        for stage in TRAINABLE if name in ("thesis", "tiny") else STAGES:
            own = settings.override({"data": preset("tiny").data} if stage != "structure" else {})
            kind = (own.data, own.operators, getattr(own, stage))
            first.setdefault(f"{stage} {kind!r}", (name, stage))
    return list(first.values())


def frozen(settings: Preset, stage: str, domain: Domain, size: tuple[int, int]) -> dict[str, keras.Model]:
    """Untrained guides and translator of `settings`, where `stage` needs them."""
    if stage != "multimodal":
        return {}
    guide = settings.lesion.segmentor.override({"image_size": size})
    translator = settings.translation.generator
    return {
        **build_segmentors(guide, settings.lesion.scheme, domain),
        **build_translator(translator, domain, size),
    }


def test_every_preset_has_cases():
    assert {name for name, _ in cases()} == set(PRESETS)
    assert {stage for name, stage in cases() if name == "thesis"} == set(TRAINABLE)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "stage"), cases())
def test_a_stage_of_a_preset_trains(tiny_dataset, tmp_path: Path, name: str, stage: str):
    settings = narrowed(name)
    own = getattr(settings, stage)
    source = open_slices(tiny_dataset.name, tiny_dataset.data_dir, "train", settings.data)
    operators = settings.operators or source.domain.operators_at(*source.image_size)
    (tmp_path / stage).mkdir()
    steps = _batch_steps(stage, settings, operators, tmp_path, source, 0)
    batch = next(iter(training_batches(source, batch_size=2, seed=0, stop=1, steps=steps)))
    domain, size = source.domain, source.image_size
    onlookers = frozen(settings, stage, domain, size)
    built = build_stage(stage, settings, operators, domain, size, 0, onlookers)
    phases = list(built.phases) if own.training.pretrain_steps else [*built.phases][-1:]
    for phase in phases:
        built.phase, before = phase, tiny.state(built)
        logs = {term: float(value) for term, value in built.train_step(batch).items()}
        assert all(np.isfinite(value) for value in logs.values()), logs
        after = tiny.state(built)
        moved = {key.rsplit(" ", 1)[0] for key in before if not np.array_equal(before[key], after[key])}
        assert moved >= {network for player in built.phases[phase] for network in built.players[player]}
    for picture in built.preview(batch).values():
        assert np.isfinite(picture).all() and np.min(picture) >= 0.0 and np.max(picture) <= 1.0
