"""Kinds of labels, one file each: what a label is to the generator, to a map and to a picture."""

from __future__ import annotations

from collections.abc import Mapping

from tf_medsynth.config.base import check
from tf_medsynth.config.domain import Domain
from tf_medsynth.imaging.labels.boxes import ClassBoxes
from tf_medsynth.imaging.labels.classes import ClassMap
from tf_medsynth.imaging.labels.kind import LabelFeature, LabelKind
from tf_medsynth.imaging.labels.none import NoLabel
from tf_medsynth.imaging.labels.plane import ClassPlane
from tf_medsynth.imaging.labels.structure import DrawnStructure

KINDS: Mapping[str, type[LabelKind]] = {
    "classes": ClassMap,
    "structure": DrawnStructure,
    "plane": ClassPlane,
    "boxes": ClassBoxes,
    "none": NoLabel,
}

__all__ = ["KINDS", "LabelFeature", "LabelKind", "label_kind"]


def label_kind(domain: Domain) -> LabelKind:
    """How the labels of a domain behave.

    Raises:
        MedSynthError: a kind that nothing here knows.
    """
    kind = domain.label.kind
    check("this kind of label is known", kind in KINDS, f"Known: {', '.join(KINDS)}.", kind=kind)
    return KINDS[kind](domain.label.classes)
