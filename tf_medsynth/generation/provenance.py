"""Where a generated set comes from: what its card and its Croissant description tell beside the samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tf_medsynth.config.domain import Domain

_SHORT = frozenset({"ct", "mr", "mri", "oct", "pet", "us"})

TERMS = (
    "No licence of its own: the terms under which the training data were given hold for this set too. "
    "The model was trained on those data, and the lesion labels of the set are labels of its patients."
)
"""Licence of a generated set, as far as this package can know it."""

PERSONAL = {
    "dataset": "Lesion labels are unchanged copies of expert labels of real training patients.",
    "augmented": "Lesion labels are expert labels of real training patients, turned, scaled and moved.",
}
"""What of a patient stands in the set, by the mode of its labels."""

RESEMBLANCE = (
    "A generator may repeat what it was trained on: look for copies (medsynth audit memorisation) and keep "
    "the result before the set is shared."
)

LIMITS = (
    "One slice a sample: neighbouring slices are not consistent with each other.",
    "The lesion scores come from the guides that the generator was trained against: they say that a gate "
    "was passed, not that the set is good. Judge it with a segmentor that shares neither patients nor seed "
    "with them.",
    "The set cannot be more varied than the patients and labels which the model has seen.",
    "Not for diagnosis, nor for judging a method that will meet patients.",
)

USES = (
    "Augmentation of training sets whose effect is then measured on real patients.",
    "Teaching, and testing of software.",
)


def domain_words(domain: Domain) -> str:
    """Its name as text has it, e.g. ``brain MRI``."""
    words = domain.name.split("_")
    return " ".join(word.upper() if word in _SHORT else word for word in words)


@dataclass(frozen=True)
class Provenance:
    """What a set is made of and how, beyond what its spool says.

    Attributes:
        command: shell line that makes it again.
        training_data: ``name``, ``fingerprint`` and number of ``patients`` of what the model saw, their
            ``patient_hashes`` and ``person_hashes``, and the ``data_settings`` by which intensities were
            read.
        certificates: Markdown about audits of the run, or nothing.
    """

    command: str = ""
    training_data: Mapping[str, Any] = field(default_factory=dict)
    certificates: str = ""

    def trained_on(self) -> str:
        """The training data in words."""
        known = self.training_data
        if "name" not in known:
            return "not recorded"
        return f"{known['name']}, {known['patients']} patients, fingerprint {known['fingerprint']}"
