"""One imaginary patient of an exported model, as a picture."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import tf_medsynth
from tf_medsynth import runtime
from tf_medsynth.config.base import check
from tf_medsynth.config.generation import GenerationConfig
from tf_medsynth.imaging.contour import contour_error
from tf_medsynth.saved_model.loading import open_model
from tf_medsynth.saved_model.record import versions

_SIGNATURE = "synthesize_random"
_SHOWN = ("images", "structure_map", "background_mask", "lesion_label")
_LOOKED_AT = 8
"""Candidates that are drawn at once; the graph computes as many in any case."""


@dataclasses.dataclass(frozen=True)
class SampleResult:
    """A drawn patient."""

    out: Path
    model: Path
    model_hash: str
    seed: int
    k: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**dataclasses.asdict(self), "out": str(self.out), "model": str(self.model)}

    def render(self) -> str:
        """One line for a person."""
        model = f"{self.model.parent.name}/{self.model.name}"
        return f"seed {self.seed}, sample {self.k} of model {model} -> {self.out}"


def sample(*, model: Path | str | None = None, seed: int = 0, out: Path | str) -> SampleResult:
    """Draws structure map, lesion label and all modalities of one patient.

    Args:
        model: ``saved_models/NAME`` or a version in it; the newest that comes along without it.
        seed: names the patient: of this run seed's first samples the first with a closed outline and
            a lesion, or sample 0 where none has both.
        out: the ``.png`` file.

    Raises:
        MedSynthError: no model, or not one of ours; a bad seed or file name.
    """
    out = Path(out)
    check("--out is a .png file", out.suffix.lower() == ".png", out=str(out))
    check("the seed must not be negative", 0 <= seed < 2**63, seed=seed)
    opened = open_model(model if model is not None else newest_model(saved_models()), [_SIGNATURE])
    names = np.array([[seed, k] for k in range(_LOOKED_AT)], np.int64)
    drawn = {name: value.numpy() for name, value in opened.call(_SIGNATURE, seed=names).items()}
    k = _first_good(drawn, opened.record.settings)
    # After the checks: it draws with the fonts of a plotting library.
    from tf_medsynth.evaluation.gallery import gallery

    images, lines, mask, label = (drawn[name][k : k + 1] for name in _SHOWN)
    picture = gallery(images, lines, mask, label, titles=[f"seed {seed}, sample {k}"])
    with runtime.atomic_path(out) as partial:
        partial.write_bytes(picture)
    return SampleResult(out, opened.folder, opened.record.model_hash, seed, k)


def _first_good(drawn: Mapping[str, np.ndarray], settings: GenerationConfig) -> int:
    errors = contour_error(drawn["structure_map"], drawn["background_mask"], settings.contour.blur)
    return int(np.argmax((errors <= settings.contour.max_mae) & (drawn["label_found"] > 0)))


def saved_models() -> Path:
    """The folder of models beside the package: in a checkout, or where it was installed."""
    return Path(str(tf_medsynth.__file__)).resolve().parents[1] / "saved_models"


def newest_model(folder: Path) -> Path:
    """The model in `folder` whose newest version was written last.

    Raises:
        MedSynthError: there is none.
    """
    models = [path for path in folder.iterdir() if versions(path)] if folder.is_dir() else []
    remedy = "Name one with --model, or export one: medsynth export --run RUN --to saved_models/NAME."
    check("no exported model comes along", bool(models), remedy, folder=str(folder))
    return max(models, key=lambda path: (path / str(versions(path)[-1])).stat().st_mtime)
