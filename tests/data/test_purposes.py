"""Over every draw of the house: no two purposes ever share one."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

import pytest

import tf_medsynth
from tests import tiny
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.families import BASELINES, TRAINABLE
from tf_medsynth.config.generation import SamplePurpose
from tf_medsynth.data import batches, mixing
from tf_medsynth.data.damage import damage_draws
from tf_medsynth.data.draws import PURPOSES, Draw, draw_number, shares_numbers
from tf_medsynth.data.patches import PATCH_DRAWS
from tf_medsynth.generation.fitting import label_specs
from tf_medsynth.generation.functions import CODE

AUGMENTATION = batches.augmentation_draws(BRAIN_MRI.num_modalities)
OF_A_STAGE = ("training", "validation", "preview", "calibration")
TAKES_A_PURPOSE = {"augmented": 3, "with_drawn_maps": 5, "with_damage": 1}
"""Steps whose default is for tests, and where among their arguments the purpose stands."""
ROOT = Path(tf_medsynth.__file__).parent


def every_draw() -> Iterator[tuple[str, str]]:
    """(purpose, name) of whatever is drawn anywhere."""
    code = {CODE: Draw(())}
    steps = {**AUGMENTATION, **PATCH_DRAWS, **batches.STRUCTURE_DRAWS, **batches.POOL_DRAWS}
    noise: Mapping[str, Draw] = {}
    for name in TRAINABLE:
        stage = tiny.build(name)
        own = dict(stage.draws())
        if name == "structure":
            own |= code
        if name == "multimodal":
            noise = stage.noise_draws()
        yield from itertools.product((f"{use} of {type(stage).__name__}" for use in OF_A_STAGE), own)
        yield from itertools.product([f"training of {name}"], steps)
        for purpose in get_args(SamplePurpose) if name in BASELINES else ():
            yield from itertools.product([f"{purpose} of baselines"], own)
    for purpose in get_args(SamplePurpose):
        yield from itertools.product([purpose], [*code, *noise, *label_specs(1)])
    yield from itertools.product(["map pool"], [*code, *batches.STRUCTURE_DRAWS])
    yield from itertools.product(["real maps"], batches.STRUCTURE_DRAWS)
    yield from itertools.product(["augmented copies"], [*mixing.COPY_DRAWS, mixing.COPY_NOISE])
    yield from itertools.product(["training of segmentor"], AUGMENTATION)
    for use in ("training", "validation"):
        yield from itertools.product([f"{use} of features"], [*AUGMENTATION, *damage_draws(())])
    yield from itertools.product(["damage"], damage_draws(()))


@pytest.fixture(scope="module")
def known() -> set[tuple[str, str]]:
    return set(every_draw())


def test_no_two_draws_share_a_number_of_any_seeds(known):
    numbers = {draw: draw_number(*draw) for draw in known}
    shared = [
        (one, other)
        for one, other in itertools.combinations(numbers, 2)
        if shares_numbers(numbers[one], numbers[other])
    ]
    assert len(numbers) > 100
    assert not shared


def test_every_purpose_is_drawn_for(known):
    assert {purpose.partition(" of ")[0] for purpose, _ in known} == set(PURPOSES)
    assert set(get_args(SamplePurpose)) < set(PURPOSES)


def test_whoever_draws_says_what_for():
    """Of a default nobody would notice that two share it; `draw` itself has none."""
    silent = []
    for file in sorted(ROOT.rglob("*.py")):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            told = len(call.args) > TAKES_A_PURPOSE.get(name, -1)
            if not told and not any(word.arg == "purpose" for word in call.keywords):
                silent.append(f"{file.relative_to(ROOT)}:{call.lineno} {name}")
    assert not silent
