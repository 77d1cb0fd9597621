"""Guides of every kind of label: one protocol, numbers worked out by hand."""

import numpy as np
import pytest

from tf_medsynth.config.domain import Domain, LabelSpec
from tf_medsynth.config.network_specs import DiscriminatorSpec
from tf_medsynth.imaging.labels.boxes import MOST_BOXES
from tf_medsynth.losses import lesion
from tf_medsynth.stages.classifier_guide import ClassifierGuide
from tf_medsynth.stages.detector_guide import DetectorGuide, build_detector
from tf_medsynth.stages.guide import SegmentorGuide, guidance
from tf_medsynth.stages.guides import guide_of
from tf_medsynth.types import MedSynthError

rng = np.random.default_rng(8)
WEIGHTS = (1.0, 2.0, 4.0)
CLASS_WEIGHTS = (1.0, 2.0, 4.0, 8.0, 16.0)
SURE = 200.0


def constant(*answers):
    """Readers that answer whatever they see."""
    return lambda images, training: [np.asarray(answer, np.float32) for answer in answers]


MAP = rng.integers(0, 5, (2, 4, 4, 1)).astype(np.int32)
BOXES = np.zeros((2, MOST_BOXES, 5), np.float32)
BOXES[0, 0] = (0.0, 0.0, 0.5, 0.5, 2)
GUIDES = {
    "segmentor": (SegmentorGuide(constant(*rng.normal(size=(3, 2, 4, 4, 5))), CLASS_WEIGHTS), MAP),
    "classifier": (ClassifierGuide(constant(*rng.normal(size=(3, 2, 2, 2, 3))), WEIGHTS), np.array([0, 2])),
    "detector": (DetectorGuide(constant(*rng.normal(size=(3, 2, 4, 4, 7)))), BOXES),
}


@pytest.fixture(params=GUIDES)
def case(request):
    return GUIDES[request.param]


def test_losses_are_sums_over_readers_and_agreement_is_their_mean(case):
    guide, label = case
    outputs = guide.reads(None)
    each = [guide.loss(label, [x]) for x in outputs]
    for name, term in guide.loss(label, outputs).items():
        assert term.shape == (2,)
        np.testing.assert_allclose(term, np.sum([one[name] for one in each], axis=0), rtol=1e-5)
    agreement = np.asarray(guide.agreement(label, outputs))
    np.testing.assert_allclose(
        agreement, np.mean([guide.agreement(label, [x]) for x in outputs], 0), rtol=1e-5
    )
    assert ((agreement >= 0) & (agreement <= 1)).all()


def test_a_generator_is_led_as_if_every_modality_had_its_reader(case):
    guide, label = case
    outputs = guide.reads(None)
    terms = tuple(guide.loss(label, outputs))
    summed = np.sum(list(guide.loss(label, outputs).values()), axis=0)
    np.testing.assert_allclose(guidance(guide, label, outputs, terms, 3), summed, rtol=1e-5)
    one = np.sum(list(guide.loss(label, outputs[:1]).values()), axis=0)
    np.testing.assert_allclose(guidance(guide, label, outputs[:1], terms, 3), 3 * one, rtol=1e-5)
    with pytest.raises(MedSynthError, match="terms of its own"):
        guidance(guide, label, outputs, ("taste",), 3)


def test_what_is_found_has_a_column_a_reader(case):
    guide, label = case
    found, probability = map(np.asarray, guide.found(guide.reads(None)))
    readers = 2 if label is BOXES else -1
    assert found.shape[readers] == 3 and probability.shape == found.shape[: probability.ndim]
    assert ((probability >= 0) & (probability <= 1)).all()


def test_a_segmentor_says_and_agrees_as_the_losses_of_maps_do():
    certain = SURE * (2 * np.eye(5)[MAP[..., 0]] - 1)
    guide = SegmentorGuide(constant(certain), CLASS_WEIGHTS)
    outputs = guide.reads(None)
    np.testing.assert_array_equal(guide.found(outputs).label, MAP)
    np.testing.assert_allclose(guide.found(outputs).probability, MAP > 0, atol=1e-6)
    np.testing.assert_allclose(guide.agreement(MAP, outputs), [1, 1], rtol=1e-5)
    label_error = guide.loss(1 + 0 * MAP, outputs)["label_error"]
    np.testing.assert_allclose(label_error, lesion.weighted_label_error(1 + 0 * MAP, certain, CLASS_WEIGHTS))


def test_a_classifier_agrees_by_the_probability_of_the_wanted_class():
    logits = np.log([[2.0, 1.0, 1.0], [1.0, 1.0, 8.0]])
    guide = ClassifierGuide(constant(logits, 0 * logits), WEIGHTS)
    outputs = guide.reads(None)
    agreement = guide.agreement(np.array([0, 2]), outputs)
    np.testing.assert_allclose(agreement, [(0.5 + 1 / 3) / 2, (0.8 + 1 / 3) / 2], rtol=1e-6)
    found = guide.found(outputs[:1])
    np.testing.assert_array_equal(found.label, [[0], [2]])
    np.testing.assert_allclose(found.probability, [[0.5], [0.9]], rtol=1e-6)


def test_a_detector_finds_the_surest_of_neighbouring_cells():
    cells = np.zeros((1, 4, 4, 7), np.float32)
    cells[..., 0] = SURE
    cells[..., 3:] = np.log(np.expm1(0.5))  # an eighth of the image either way
    cells[0, 0, 0, 2], cells[0, 0, 1, 2] = 2 * SURE, 1.01 * SURE
    found, probability = map(np.asarray, DetectorGuide(constant(cells)).found([cells]))
    assert found.shape == (1, MOST_BOXES, 1, 5) and probability.shape == (1, MOST_BOXES, 1)
    np.testing.assert_allclose(found[0, 0, 0], [0.0, 0.0, 0.25, 0.25, 2], atol=1e-6)
    assert not found[0, 1:].any() and probability[0, 0, 0] == pytest.approx(1)


def test_a_small_detector_has_a_cell_a_patch():
    spec = DiscriminatorSpec((32, 32), in_channels=3, base_filters=2, scores=7)
    guide = DetectorGuide(lambda images, training: [build_detector(spec)(images, training=training)])
    (cells,) = guide.reads(np.zeros((2, 32, 32, 3), np.float32))
    assert cells.shape == (2, 2, 2, 7)
    assert set(guide.loss(BOXES, [cells])) == {"cross_entropy", "box_error"}


def test_a_domain_without_labels_has_no_guide_and_untrained_kinds_are_told():
    none = Domain("plain", ("scan",), label=LabelSpec("none", ()))
    assert guide_of({}, none, (1.0, 2.0), "setting") is None
    planes = Domain("lungs", ("xray",), label=LabelSpec("plane", ("normal", "viral")))
    with pytest.raises(MedSynthError, match="maps of classes or structures"):
        guide_of({}, planes, (1.0, 2.0), "setting")
