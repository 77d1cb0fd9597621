"""The trained networks of a run as a `generation.Synthesiser`: pure functions of (seed, index)."""

from __future__ import annotations

from pathlib import Path

from tf_medsynth.config.base import check
from tf_medsynth.data.draws import GENERATION
from tf_medsynth.generation.functions import functions_of
from tf_medsynth.generation.synthesiser import FunctionSynthesiser
from tf_medsynth.runs.restore import (
    frozen_networks,
    load_stage,
    name_of_model,
    stage_directory,
    weights_hash,
)
from tf_medsynth.stages.guides import LesionStage
from tf_medsynth.stages.multimodal import MultimodalStage
from tf_medsynth.stages.structure import StructureStage


def load_synthesiser(run: Path | str, purpose: str = GENERATION) -> FunctionSynthesiser:
    """The synthesiser of a run whose stages are finished.

    Args:
        purpose: what its samples are for, see `data.draws`.

    Raises:
        MedSynthError: a stage is missing or unfinished, or M was trained on other stages' weights.
    """
    run = Path(run)
    names = {name: stage_directory(run, name) for name in ("structure", "lesion", "multimodal")}
    for directory in names.values():
        directory.require_finished()
    trained_on = names["multimodal"].config()["upstream"]
    hashes = {name: weights_hash(directory) for name, directory in names.items()}
    for name in ("structure", "lesion"):
        check(
            f"stage multimodal was trained on another {name} stage than this run holds",
            trained_on[name] == hashes[name],
            "Train multimodal again.",
            trained_on=trained_on[name],
            now=hashes[name],
        )
    structure, guides = load_stage(names["structure"]), load_stage(names["lesion"])
    multimodal = load_stage(names["multimodal"], frozen_networks(run, "multimodal"))
    assert isinstance(structure, StructureStage)
    assert isinstance(guides, LesionStage)
    assert isinstance(multimodal, MultimodalStage)
    name = name_of_model(hashes["structure"], hashes["multimodal"])
    functions = functions_of(structure, guides, multimodal, purpose)
    return FunctionSynthesiser(functions, name, multimodal.image_size, multimodal.domain)
