"""The certificate of lesion fidelity: judges of other patients look for the lesion of each label."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tf_medsynth.audits.audit import Kind
from tf_medsynth.config.base import check
from tf_medsynth.data.patients import hashes_of
from tf_medsynth.evaluation.lesion_fidelity import VERDICTS, WHOLE, lesion_fidelity
from tf_medsynth.runs.judges import Judges, train_judges
from tf_medsynth.runs.origin import origin_of
from tf_medsynth.runs.samples import Samples

_SHOWN = {
    "dice": "Dice",
    "area_error": "area error",
    "centroid_px": "centre, px",
    "missed_lesions": "lesions missed",
    "hallucinated_lesions": "invented a slice",
}


def measure(target: Samples, against: Samples | None, seed: int, **judging: Any) -> dict[str, Any]:
    """Lesion fidelity of a generated set by judges of held-out real patients.

    Args:
        target: of a generated set, which says whom its generator was trained on.
        against: of a prepared dataset; its test split, or the one that was named, trains the judges.
        seed: of judges and bootstrap.
        judging: ``folder``, where judges are kept (default: beside the certificate of a generated
            set), and further arguments of `train_judges`.

    Raises:
        MedSynthError: a set without labels or origin, a dataset that was not prepared here, other
            image sizes, modalities or classes, a patient that both sides know.
    """
    check("lesion fidelity needs a prepared dataset to train judges on", against is not None)
    assert against is not None
    check(
        "judges are trained on a prepared dataset",
        against.data_dir is not None,
        "Give --against NAME --data-dir DIR.",
        against=against.name,
    )
    label = target.lesion_label
    check("lesion fidelity needs the samples' labels", label is not None, target=target.name)
    assert label is not None and against.data_dir is not None
    origin = origin_of(target)
    _check_classes(target, against)
    data, _, split = against.name.partition(":")
    judges = train_judges(
        data,
        against.data_dir,
        judging.pop("folder", Path(target.name) / "certificates" / "lesion_judges"),
        unseen_by=hashes_of(origin),
        data_settings=origin["data_settings"],
        split=split or "test",
        seed=seed,
        **judging,
    )
    return certify(judges, target.images, label, target.keys, seed)


def certify(
    judges: Judges, images: np.ndarray, label: np.ndarray, keys: np.ndarray, seed: int = 0
) -> dict[str, Any]:
    """Lesion fidelity of `images` `(n, H, W, M)` with `label` `(n, H, W)`, and who judged it."""
    real = judges.calibration()
    found = judges.answers(images, "judging samples")
    classes = judges.source.domain.label.classes
    answer = lesion_fidelity(
        found,
        label,
        real["found"],
        real["label"],
        real["patient"],
        real["judge"],
        classes=classes,
        seed=seed,
    )
    answer["rows"] = [{"key": str(key), **row} for key, row in zip(keys, answer["rows"], strict=True)]
    held = {int(code) for code in np.unique(real["label"])}
    return {
        "judged_by": {
            "data": judges.source.name,
            "split": judges.source.split,
            "folds": [len(fold) for fold in judges.folds],
            "training": [_trained(directory.config()) for directory in judges.directories],
        },
        "classes_without_real_example": [classes[code] for code in np.unique(label) if int(code) not in held],
        **answer,
    }


def _check_classes(target: Samples, against: Samples) -> None:
    check(
        "sample and judge must speak of the same lesion classes",
        target.domain.label == against.domain.label,
        "Generate from a run that was trained on data of this domain.",
        target=target.domain.label.to_dict(),
        against=against.domain.label.to_dict(),
    )


def _trained(config: Mapping[str, Any]) -> dict[str, Any]:
    training = config["settings"]["training"]
    return {
        "patients": len(config["patients"]),
        "steps": training["steps"],
        "batch_size": training["batch_size"],
        "seed": config["seed"],
    }


def render(certificate: Mapping[str, Any]) -> list[str]:
    """A table of the whole lesion, Dice by class, and the verdict."""
    counts, groups = certificate["counts"], certificate["groups"]
    lines = [
        f"{counts['judges']} judges, each trained without the patients it is calibrated on "
        f"({counts['real_patients']} real patients, {counts['real_slices']} slices; "
        f"{counts['samples']} samples)",
        f"{'whole lesion':18}{'synthetic':>24}{'real':>24}{'difference':>26}",
    ]
    lines += [_line(name, groups["whole_lesion"][measure]) for measure, name in _SHOWN.items()]
    lines += [_line(f"Dice, {group}", groups[group]["dice"]) for group in groups if group != WHOLE]
    if certificate["classes_without_real_example"]:
        lines.append(f"no judge knows: {', '.join(certificate['classes_without_real_example'])}")
    return [*lines, f"verdict: {VERDICTS[certificate['verdict']]}"]


def _line(name: str, facts: Mapping[str, Mapping[str, float]]) -> str:
    cells = [_cell(facts[side]) for side in ("synthetic", "real", "difference")]
    return f"{name:22}{cells[0]:>20}{cells[1]:>24}{cells[2]:>26}"


def _cell(interval: Mapping[str, float]) -> str:
    if not np.isfinite(interval["estimate"]):
        return "-"
    bounds = f" [{interval['low']:.2f}, {interval['high']:.2f}]" if np.isfinite(interval["low"]) else ""
    return f"{interval['estimate']:.2f}{bounds}"


KIND = Kind(measure, render, needs_against=True, most=(1000, None))
