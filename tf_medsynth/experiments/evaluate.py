"""What a run's unfiltered samples are worth, measured against held-out real patients."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from tf_medsynth import runtime
from tf_medsynth.config.base import check
from tf_medsynth.config.imaging import OperatorConfig
from tf_medsynth.data.batches import with_structure
from tf_medsynth.data.slices import READ_IN_ORDER, SliceSource
from tf_medsynth.evaluation.lesion import lesion_agreement
from tf_medsynth.evaluation.quality import image_quality
from tf_medsynth.evaluation.realism import real_or_synthetic
from tf_medsynth.evaluation.registration import registration_shifts
from tf_medsynth.evaluation.structure import structure_quality
from tf_medsynth.experiments.generate import source_of
from tf_medsynth.experiments.restore import load_stage
from tf_medsynth.experiments.run_directory import StageDirectory, stage_directory
from tf_medsynth.experiments.synthesiser import load_synthesiser
from tf_medsynth.generation import Synthesiser
from tf_medsynth.generation.rows import ROWS
from tf_medsynth.stages.guides import LesionStage

Arrays = dict[str, np.ndarray]

_MOST_MEASURED = 1000
_MOST_REGISTERED = 200


def evaluate(
    *, run: Path | str, synthetic: Path | str, judge: Path | str | None = None, seed: int = 0
) -> dict[str, Any]:
    """Structure, lesion, quality, registration and realism of a synthetic dataset of `run`.

    Args:
        run: finished run.
        synthetic: data_dir that `generate` published to in the ``tfds`` format; unfiltered
            samples, or the answer flatters.
        judge: folder of a finished lesion stage (scheme ``stacked``) that shares neither seed nor
            patients with the run's guides; without one, lesions are not judged.
        seed: of the real-or-synthetic classifier and of the renderings on real maps.

    Returns:
        A table each under ``structure`` and ``quality`` (beside the test patients), both again as
        ``…_all_patients`` (beside everyone), ``registration``, ``realism`` and, with a judge,
        ``lesion``; also written to ``RUN/evaluation.json``.

    Raises:
        MedSynthError: the judge shares patients or seed with the guides, or another image size.
    """
    run = Path(run)
    runtime.configure(seed=seed, precision="float32")
    config = stage_directory(run, "multimodal").config()
    segmentor = _judge(run, Path(judge)) if judge else None
    synthesiser = load_synthesiser(run)
    operators = OperatorConfig.from_dict(config["operators"])
    test = _real(source_of(config, "test"), operators)
    training = _real(source_of(config, "train"), operators)
    drawn = _synthetic(Path(synthetic))
    check(
        "the synthetic set has the run's image size",
        drawn["images"].shape[1:] == test["images"].shape[1:],
        synthetic=drawn["images"].shape,
        real=test["images"].shape,
    )
    own = _with_lesion(test)
    same = _on_own_maps(synthesiser, own, seed)
    everyone = _with_lesion(_joined(training, test))
    answer: dict[str, Any] = {
        "samples": len(drawn["images"]),
        "structure": _structure(drawn, test, training["structure_map"]),
        "structure_all_patients": _structure(drawn, _joined(training, test), training["structure_map"]),
        "quality": image_quality(own["images"], same, drawn["images"], _organ(own["images"]), _inside(drawn)),
        "quality_all_patients": image_quality(
            everyone["images"],
            _on_own_maps(synthesiser, everyone, seed),
            drawn["images"],
            _organ(everyone["images"]),
            _inside(drawn),
        ),
        "registration": {
            "synthetic": registration_shifts(drawn["images"][:_MOST_REGISTERED]),
            "real": registration_shifts(_spread(test["images"], _MOST_REGISTERED)),
        },
        "realism": _realism(training, test, drawn, seed),
    }
    if segmentor is not None:
        answer["lesion"] = _lesion(segmentor, drawn, own, same)
    runtime.write_json(run / "evaluation.json", answer)
    return answer


def _judge(run: Path, folder: Path) -> LesionStage:
    directory = StageDirectory(folder)
    guides, judge = stage_directory(run, "lesion").config(), directory.config()
    shared = sorted(set(guides["patients"]) & set(judge["patients"]))
    check(
        "the judge may share neither patients nor seed with the guides",
        not shared and guides["seed"] != judge["seed"],
        "Train guides and judge on different folds (--set folds=2 fold=0 and fold=1) and seeds.",
        shared_patients=shared,
        seeds=(guides["seed"], judge["seed"]),
    )
    stage = load_stage(directory)
    assert isinstance(stage, LesionStage)
    check(
        "a judge sees all modalities",
        len(stage.names) == 1,
        "Train it with scheme=stacked.",
        names=stage.names,
    )
    return stage


def _real(source: SliceSource, operators: OperatorConfig) -> Arrays:
    examples = source.examples(names=True).enumerate()
    batches = examples.map(lambda index, e: {"index": index, **e}).batch(32).map(with_structure(operators, 0))
    stacked = _stack(list(batches.as_numpy_iterator()))
    return {**stacked, "patient": stacked["patient"].astype(str)}


def _synthetic(data_dir: Path) -> Arrays:
    folders = sorted((data_dir / "medsynth_synthetic").glob("*/dataset_info.json"))
    check("the synthetic set is a TFDS data_dir of generate", bool(folders), synthetic=str(data_dir))
    builder = tfds.builder_from_directory(folders[-1].parent)
    batches = (
        builder.as_dataset(split="train", read_config=READ_IN_ORDER).batch(32).take(-(-_MOST_MEASURED // 32))
    )
    wanted = ("images", "structure_map", "background_mask", "lesion_label")
    stacked = _stack([{name: b[name] for name in wanted} for b in batches.as_numpy_iterator()])
    return {name: values[:_MOST_MEASURED] for name, values in stacked.items()}


def _structure(drawn: Arrays, real: Arrays, training_maps: np.ndarray) -> dict[str, Any]:
    return structure_quality(
        drawn["structure_map"],
        drawn["background_mask"],
        real["structure_map"],
        real["background_mask"],
        training_maps,
    )


def _joined(one: Arrays, other: Arrays) -> Arrays:
    return {name: np.concatenate([one[name], other[name]]) for name in other}


def _with_lesion(real: Arrays) -> Arrays:
    shown = real["lesion_label"].any(axis=(1, 2, 3))
    return {name: values[shown] for name, values in real.items()}


def _on_own_maps(synthesiser: Synthesiser, real: Arrays, seed: int) -> np.ndarray:
    """Every real slice drawn again from its own map, mask and label."""
    index = np.arange(len(real["images"]), dtype=np.int64)
    return synthesiser.render(
        real["structure_map"], real["background_mask"], real["lesion_label"], seed, index
    )


def _stack(batches: list[Mapping[str, np.ndarray]]) -> Arrays:
    return {name: np.concatenate([b[name] for b in batches]) for name in batches[0]}


def _organ(images: np.ndarray) -> np.ndarray:
    inside: np.ndarray = images.max(axis=-1) > 0.0
    return inside


def _inside(drawn: Arrays) -> np.ndarray:
    inside: np.ndarray = (drawn["background_mask"][..., 0] == 0) & (drawn["images"].max(axis=-1) > 0.02)
    return inside


def _spread(values: np.ndarray, count: int) -> np.ndarray:
    return values[np.linspace(0, len(values) - 1, min(count, len(values))).astype(int)]


def _realism(training: Arrays, test: Arrays, drawn: Arrays, seed: int) -> dict[str, Any]:
    images = np.concatenate([training["images"], test["images"]])
    patients = np.concatenate([training["patient"], test["patient"]])
    return real_or_synthetic(images, patients, drawn["images"], seed=seed)


def _lesion(judge: LesionStage, drawn: Arrays, own: Arrays, same: np.ndarray) -> dict[str, Any]:
    ceiling = lesion_agreement(_found(judge, own["images"]), own["lesion_label"], own["patient"])
    return {
        "real": ceiling,
        "own_maps": lesion_agreement(_found(judge, same), own["lesion_label"], own["patient"], ceiling),
        "synthetic": lesion_agreement(
            _found(judge, drawn["images"]), drawn["lesion_label"], real_ceiling=ceiling
        ),
    }


def _found(judge: LesionStage, images: np.ndarray) -> np.ndarray:
    parts = [np.asarray(judge.segment(images[i : i + ROWS])) for i in range(0, len(images), ROWS)]
    return np.concatenate(parts)
