"""Numbers counted by hand; drift as its definition, written out, gives it."""

import copy

import numpy as np
import pytest

from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.pipeline import DriftConfig
from tf_medsynth.data.statistics import (
    BINS,
    divergence,
    largest_difference,
    make_schema,
    split_statistics,
    validate,
)

DRIFT = DriftConfig(intensity=0.1, label=0.2, split=0.3)


def example(patient=b"a", value=0.5, codes=(0, 1, 2, 2)):
    images = np.full((2, 2, 4), value, np.float32)
    images[0, 0] = 0.0  # background: outside the organ in all modalities
    return {
        "patient": patient,
        "images": images,
        "lesion_label": np.reshape(codes, (2, 2, 1)).astype("int32"),
    }


def of_brains(*examples):
    return split_statistics(examples, BRAIN_MRI)


@pytest.fixture
def facts():
    return of_brains(example(), example(b"b", 0.25), example(b"b", 0.25, (0, 0, 0, 0)))


def test_counts(facts):
    assert (facts["slices"], facts["patients"]) == (3, {"a": 1, "b": 2})
    assert facts["shapes"] == [[2, 2, 4]] and facts["unknown_labels"] == 0


def test_intensities_are_those_inside_the_organ(facts):
    spread = facts["intensity"]["T1"]
    expected = np.zeros(BINS)
    expected[BINS // 2], expected[BINS // 4] = 3 / 9, 6 / 9
    np.testing.assert_allclose(spread["histogram"], expected, atol=1e-6)
    assert spread["quantiles"]["0.5"] == pytest.approx(0.25, abs=1 / BINS)
    assert spread["quantiles"]["0.99"] == pytest.approx(0.5, abs=1 / BINS)


def test_class_shares(facts):
    classes = facts["classes"]
    assert classes["oedema"] == {"pixel_share": pytest.approx(4 / 6), "slice_share": pytest.approx(2 / 3)}
    assert classes["enhancing"] == {"pixel_share": 0.0, "slice_share": 0.0}


def test_divergence_is_that_of_jensen_and_shannon():
    p, q = np.array([0.5, 0.5, 0.0]), np.array([0.0, 0.25, 0.75])
    middle = (p + q) / 2

    def kl(a, b):
        return sum(x * np.log2(x / y) for x, y in zip(a, b, strict=True) if x)

    assert divergence(p, q) == pytest.approx((kl(p, middle) + kl(q, middle)) / 2)
    assert divergence(p, p) == pytest.approx(0.0, abs=1e-12)
    assert divergence([1, 0], [0, 1]) == pytest.approx(1.0)
    assert (divergence([0, 0], [0, 1]), divergence([0, 0], [0, 0])) == (1.0, 0.0)


def test_largest_difference_counts_missing_names():
    assert largest_difference({"a": 0.75, "b": 0.25}, {"a": 1.0}) == 0.25


def test_data_keep_their_own_schema(facts):
    assert validate({"train": facts, "test": facts}, make_schema(facts), DRIFT) == []


@pytest.mark.parametrize(
    ("change", "feature", "words"),
    [
        (lambda s: s["shape"].__setitem__(0, 64), "train/images", "shape"),
        (lambda s: s["intensity"].__setitem__("T2", [1.0] + [0.0] * (BINS - 1)), "train/T2", "Jensen"),
        (lambda s: s["classes"].update(oedema=0.1), "train/lesion_label", "L-infinity"),
    ],
)
def test_what_the_schema_forbids_stops(facts, change, feature, words):
    schema = copy.deepcopy(make_schema(facts))
    change(schema)
    (anomaly,) = validate({"train": facts}, schema, DRIFT)
    assert anomaly.feature == feature and words in str(anomaly) and anomaly.stops


def test_splits_that_differ_are_noted_and_stop_nothing(facts):
    other = of_brains(example(b"c", 0.9, (0, 4, 4, 4)))
    found = validate({"train": facts, "test": other}, make_schema(facts), DRIFT)
    assert {a.feature for a in found} >= {"test/T1", "test/lesion_label"}
    assert not any(a.stops for a in found)


@pytest.mark.parametrize("value", [np.nan, 1.5, -0.5])
def test_intensities_out_of_range_stop(facts, value):
    broken = example()
    broken["images"][1, 1, 2] = value
    schema = make_schema(facts)
    found = validate({"train": of_brains(broken)}, schema, DriftConfig(intensity=1.0, label=1.0))
    assert [a.feature for a in found] == ["train/T1c"]


def test_unknown_labels_stop(facts):
    found = of_brains(example(codes=(0, 1, 2, 9)))
    assert found["unknown_labels"] == 1
    loose = DriftConfig(intensity=1.0, label=1.0)
    assert [a.rule for a in validate({"train": found}, make_schema(facts), loose)] == [
        "labels are known classes"
    ]
