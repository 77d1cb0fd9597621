"""A patient as an address of the page's server, and back."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from tf_medsynth.config.base import check
from tf_medsynth.config.lesion_shapes import LesionShape
from tf_medsynth.saved_model.patients import Patient, Patients

ARCHIVE = "/patient.zip"


def file_name(patient: Patient) -> str:
    """What a download is called."""
    own = "_own" if patient.lesion else ""
    return f"medsynth_{patient.seed}_{patient.number:08d}{own}.zip"


def archive_address(patient: Patient) -> str:
    """Where the server has the archive of `patient`."""
    values: dict[str, object] = {"seed": patient.seed, "number": patient.number}
    return f"{ARCHIVE}?{urlencode(values | (patient.lesion.to_dict() if patient.lesion else {}))}"


def patient_of(patients: Patients, query: Mapping[str, str]) -> Patient:
    """The patient that the values of an address name.

    Raises:
        MedSynthError: an unknown or missing name, a value that is none, a lesion outside the brain.
    """
    values = dict(query)
    name = {key: values.pop(key, "") for key in ("seed", "number")}
    for key, text in name.items():
        check(f"{key} must be a whole number, 0 or more", text.isdecimal() and len(text) < 20, received=text)
    lesion = LesionShape().override(values) if values else None
    return patients.draw(int(name["seed"]), int(name["number"]), lesion)
