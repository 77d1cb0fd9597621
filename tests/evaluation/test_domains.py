"""Every composed answer over two modalities with three classes, and over one colour modality with vessels."""

import json

import numpy as np
import pytest

from tf_medsynth.config.domain import Domain, LabelSpec
from tf_medsynth.config.study_records import EvaluationRecord
from tf_medsynth.evaluation.diversity import diversity
from tf_medsynth.evaluation.lesion import lesion_agreement
from tf_medsynth.evaluation.lesion_fidelity import lesion_fidelity
from tf_medsynth.evaluation.quality import image_quality
from tf_medsynth.evaluation.registration import registration_certificate, registration_shifts
from tf_medsynth.evaluation.segmentation import measure_names, patient_scores, slice_detection
from tf_medsynth.metrics.arrays import as_grey
from tf_medsynth.runtime.typed import typed
from tf_medsynth.types import MedSynthError

PAIR = Domain("pair", ("CT", "PET"), label=LabelSpec("classes", ("background", "organ", "lesion")))
COLOUR = Domain("colour", ("fundus",), channels=3, label=LabelSpec("structure", ("background", "vessel")))
RANDOM = np.random.default_rng(0)
ORGAN = np.ones((4, 40, 40), bool)
PATIENTS = np.array(["a", "a", "b", "b"])


def images_of(domain: Domain) -> np.ndarray:
    return RANDOM.random((4, 40, 40, domain.image_channels), np.float32)


def label_of(domain: Domain) -> np.ndarray:
    label = np.zeros((4, 40, 40), np.int32)
    label[:, 10:20, 10:30] = 1
    label[:, 12:16, 12:16] = domain.num_classes - 1
    return label


@pytest.mark.parametrize("domain", [PAIR, COLOUR], ids=lambda domain: domain.name)
def test_labels_are_scored_by_the_names_of_their_classes(domain: Domain) -> None:
    label, classes = label_of(domain), domain.label.classes
    names = {"whole_lesion", *domain.lesion_classes}
    agreement = lesion_agreement(label, label, PATIENTS, classes=classes)
    assert set(agreement["classes"]) == set(domain.lesion_classes)
    scores = patient_scores(label, (label > 0).astype(float), label, classes, (1.0, 1.0, 1.0))
    assert set(scores) == set(measure_names("mm", classes)) and scores[classes[1]] == 1.0
    found = lesion_fidelity(
        label[None], label, label, label, PATIENTS, np.zeros(4, int), classes=classes, resamples=20
    )
    assert set(found["groups"]) == names
    with pytest.raises(MedSynthError, match=f"codes 0 to {domain.num_classes - 1}"):
        lesion_agreement(label + domain.num_classes, label, classes=classes)


@pytest.mark.parametrize("domain", [PAIR, COLOUR], ids=lambda domain: domain.name)
def test_images_are_measured_channel_by_channel(domain: Domain) -> None:
    real, names = images_of(domain), domain.channel_names()
    quality = image_quality(real, real, real, ORGAN, ORGAN, names)
    assert tuple(quality["laplacian_ratio"]) == names and quality["ssim"][names[-1]] == pytest.approx(1)
    found = diversity(real, PATIENTS, real, pairs=3, modalities=names)
    assert tuple(found["difference"]) == names


@pytest.mark.parametrize("domain", [PAIR, COLOUR], ids=lambda domain: domain.name)
def test_what_was_found_is_read_back_from_its_record(domain: Domain) -> None:
    label, real, names = label_of(domain), images_of(domain), domain.channel_names()
    label[0] = 0
    found = (label > 0).astype(np.float32)
    side = lesion_agreement(label, label, PATIENTS, classes=domain.label.classes, probability=found)
    side["slices"] = {"with_lesion": 3, "without_lesion": 1, **slice_detection(label, found, label)}
    answer = {
        "samples": 4,
        "quality": image_quality(images_of(domain), real, images_of(domain), ORGAN, ORGAN, names),
        "diversity": diversity(real, PATIENTS, real, pairs=3, modalities=names),
        "lesion": {"synthetic": side, "real": side},
    }
    stored = json.loads(json.dumps(answer))
    assert typed(stored, EvaluationRecord) == stored


def test_two_modalities_are_registered_and_one_has_nothing_to_register() -> None:
    assert list(registration_shifts(images_of(PAIR), PAIR.modalities)["pairs"]) == ["CT-PET"]
    assert registration_certificate(images_of(PAIR), PAIR.modalities)["rows"][0]["pair"] == "CT-PET"
    grey = as_grey(images_of(COLOUR), COLOUR.channels)
    assert grey.shape == (4, 40, 40, 1)
    with pytest.raises(MedSynthError, match="one modality: nothing to register"):
        registration_shifts(grey, COLOUR.modalities)
