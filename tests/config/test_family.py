"""The registry of families: one scan, an order of training, and what is refused."""

from __future__ import annotations

import dataclasses
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tf_medsynth.config.base import Weights
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.families import BASELINES, FAMILIES, MODELS, OUTSIDE, STAGES, TRAINABLE, needs, table
from tf_medsynth.config.family import Family, FamilySettings, in_order
from tf_medsynth.config.imaging import OPERATOR_PRESETS
from tf_medsynth.config.presets import PRESETS, Preset, preset
from tf_medsynth.config.training import TrainingSettings
from tf_medsynth.types import MedSynthError

ROOT = Path(__file__).resolve().parents[2]


@dataclasses.dataclass(frozen=True)
class ToySettings(FamilySettings):
    weights: Weights = dataclasses.field(default_factory=Weights)
    training: TrainingSettings = dataclasses.field(default_factory=TrainingSettings)


def toy(name: str, *needed: str, **more) -> Family:
    return Family(name=name, about="", settings=ToySettings(), needs=needed, **more)


def test_one_file_is_one_family_and_one_field_of_a_preset():
    files = {path.stem for path in (ROOT / "tf_medsynth/config/families").glob("*.py")} - {"__init__"}
    assert files == set(TRAINABLE) == set(FAMILIES)
    fields = [field.name for field in dataclasses.fields(Preset)]
    assert fields == ["data", "operators", *TRAINABLE]


def test_a_run_is_trained_in_the_order_of_what_is_needed():
    assert STAGES == MODELS["thesis"] == ("structure", "lesion", "translation", "multimodal")
    assert BASELINES == ("gan", "skrgan") and (*STAGES, *BASELINES) == TRAINABLE
    done: set[str] = set()
    for name, family in FAMILIES.items():
        assert set(family.needs) <= done
        done.add(name)


def test_nothing_translates_one_modality():
    one = dataclasses.replace(BRAIN_MRI, modalities=("T1",))
    assert needs("multimodal", BRAIN_MRI) == ("structure", "lesion", "translation")
    assert needs("multimodal", one) == ("structure", "lesion")


def test_an_order_is_found_whatever_the_names_are():
    families = {name: toy(name, *needed) for name, needed in
                {"a": (), "b": ("z", "a"), "y": (), "z": ("y",)}.items()}  # fmt: skip
    assert list(in_order(families)) == ["y", "z", "a", "b"]
    with pytest.raises(MedSynthError, match=r"needs one that there is\. Received: needs='c'"):
        in_order({"a": toy("a", "c")})
    with pytest.raises(MedSynthError, match=r"cannot need itself"):
        in_order({"a": toy("a", "b"), "b": toy("b", "a")})


@pytest.mark.parametrize("name", TRAINABLE)
def test_the_module_of_a_family_builds_it(name):
    module = importlib.import_module(FAMILIES[name].module)
    assert callable(module.networks_of) and callable(module.stage_of)
    assert set(FAMILIES[name].presets) <= set(PRESETS)


def test_what_is_no_family_is_refused():
    with pytest.raises(MedSynthError, match=r"settings with weights and training"):
        Family(name="toy", about="", settings=TrainingSettings())
    with pytest.raises(MedSynthError, match=r"networks that look on.*frozen=\('lesion',\)"):
        toy("toy", frozen=("lesion",))
    with pytest.raises(MedSynthError, match=r"a family's name is a word"):
        toy("no word")
    environment = {**os.environ, OUTSIDE: "json", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", "import tf_medsynth.config.families"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "the module of a family has a FAMILY. Received: module='json'" in done.stderr


def test_the_table_of_the_documentation_is_that_of_the_registry():
    assert table() in (ROOT / "docs" / "families.md").read_text(encoding="utf-8")


def test_operators_are_named_by_their_preset():
    settings = preset("tiny").override({"operators": "thesis/brats"})
    assert settings.operators == OPERATOR_PRESETS["thesis/brats"]
    changed = preset("tiny").override({"operators": "thesis/brats", "operators.structure.threshold": "0.3"})
    assert changed.operators is not None and changed.operators.structure.threshold == 0.3
    assert settings.override({"operators": "none"}).operators is None
    with pytest.raises(MedSynthError, match=r"thesis/brats"):
        preset("tiny").override({"operators": "thesis/heart"})
