"""One imaginary patient of an exported model, as a picture or as NIfTI volumes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tf_medsynth import runtime
from tf_medsynth.config.base import check
from tf_medsynth.config.lesion_shapes import LesionShape
from tf_medsynth.saved_model.patient_files import archive, picture
from tf_medsynth.saved_model.patients import Patients, check_name


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


def sample(
    *,
    model: Path | str | None = None,
    seed: int = 0,
    number: int | None = None,
    lesion: Mapping[str, Any] | None = None,
    out: Path | str,
) -> SampleResult:
    """Draws structure map, lesion label and all modalities of one patient.

    Args:
        model: a folder, or the name of a model that comes along; the newest of those without it.
        seed: of the run; without `number` it names the patient: of this seed's first samples the first
            with a closed outline and a lesion, or sample 0 where none has both.
        number: of the sample.
        lesion: settings of `LesionShape` for a lesion of one's own, instead of the model's.
        out: a ``.png`` file, or a ``.zip`` of NIfTI volumes.

    Raises:
        MedSynthError: no model, or not one of ours; a bad seed or file name; a lesion that is not
            inside the brain.
    """
    out = Path(out)
    check("--out is a .png file, or a .zip for NIfTI", out.suffix.lower() in (".png", ".zip"), out=str(out))
    runtime.check_new_file(out)
    check_name(seed, number or 0)
    shape = None if lesion is None else LesionShape().override(lesion)
    patients = Patients(model)
    drawn = patients.draw(seed, patients.first_good(seed) if number is None else number, shape)
    made = (
        picture(drawn, patients.record.domain)
        if out.suffix.lower() == ".png"
        else archive(drawn, patients.model)
    )
    with runtime.atomic_path(out) as partial:
        partial.write_bytes(made)
    return SampleResult(out, patients.model.folder, patients.record.model_hash, seed, drawn.number)
