"""Slices of domains that no organ of the house has: other numbers of modalities, channels, kinds of label."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.toy import COLOUR, PAIR, PATIENTS, example, write_set
from tf_medsynth.config.data import DataSettings
from tf_medsynth.config.domain import LabelSpec
from tf_medsynth.config.imaging import ImageAugmentConfig
from tf_medsynth.config.pipeline import DriftConfig
from tf_medsynth.data.batches import training_batches
from tf_medsynth.data.mixing import augmented_pool
from tf_medsynth.data.slices import open_slices
from tf_medsynth.data.statistics import make_schema, split_statistics, validate
from tf_medsynth.types import MedSynthError

PLANE = dataclasses.replace(PAIR, name="plane", label=LabelSpec("plane", ("well", "ill")))
BARE = dataclasses.replace(COLOUR, name="bare", label=LabelSpec("none", ()))
HU = dataclasses.replace(PAIR, name="hu", intensity="hounsfield", window=(10.0, 60.0))
DOMAINS = (PAIR, COLOUR, PLANE, BARE, HU)


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """What names a set of each domain, by the domain's name."""
    return {domain.name: write_set(tmp_path_factory.mktemp(domain.name), domain) for domain in DOMAINS}


def rows(source, **options):
    return list(training_batches(source, batch_size=3, seed=1, **options).as_numpy_iterator())


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_a_set_of_any_domain_is_read(sets, domain):
    source = open_slices(**sets[domain.name])
    assert source.domain == domain and source.patients == PATIENTS["train"]
    assert source.count == 12 and source.image_size == (40, 40)
    (first, *_) = whole = rows(source, stop=6)
    assert first["images"].shape == (3, 40, 40, domain.image_channels)
    assert first["lesion_label"].shape == (3, *source.label.shape(40, 40))
    assert 0 <= first["images"].min() < first["images"].max() <= 1
    (later,) = rows(source, start=5, stop=6)  # the second epoch
    assert all(np.array_equal(later[name], whole[5][name]) for name in later)


def normalised(sets, domain, **settings):
    """Stored and normalised images of patient a, slice 0."""
    source = open_slices(**sets[domain.name], patients=["a"], settings=DataSettings(**settings))
    stored = example(domain, (40, 40), "a", 0)
    wanted = [
        read["images"]
        for raw, read in zip(source.stored(), source.examples(), strict=True)
        if raw["slice_index"] == 0
    ]
    return stored, wanted[0].numpy()


def test_bytes_are_divided_by_255_whatever_the_settings_say(sets):
    for normalisation in ("percentile", "organ_mean"):
        stored, read = normalised(sets, COLOUR, normalisation=normalisation)
        np.testing.assert_allclose(read, stored["images"] / 255, atol=1e-6)


def test_hounsfield_units_go_by_the_window(sets):
    stored, read = normalised(sets, HU)
    np.testing.assert_allclose(read, np.clip((stored["images"] - 10.0) / 50.0, 0, 1), atol=1e-6)


def test_organ_means_are_those_of_the_settings_or_none(sets):
    stored, read = normalised(sets, PAIR, normalisation="organ_mean", means_in_range=(2.0, 4.0))
    wanted = np.clip(stored["images"] / (stored["intensity_mean"] * (2, 4)), 0, 1)
    np.testing.assert_allclose(read, wanted, atol=1e-6)
    with pytest.raises(MedSynthError, match=r"a number for each modality.*'pair'.*means_in_range, 2 of them"):
        open_slices(**sets["pair"], settings=DataSettings("organ_mean"))


def test_statistics_are_a_modality_s_and_a_class_s(sets):
    for domain in DOMAINS:
        source = open_slices(**sets[domain.name])
        facts = split_statistics(source.examples(names=True).as_numpy_iterator(), domain)
        assert list(facts["intensity"]) == list(domain.modalities) and facts["slices"] == 12
        codes = domain.label.classes if domain.label.kind == "plane" else domain.lesion_classes
        assert list(facts["classes"]) == list(codes)
        shares = [found["pixel_share"] for found in facts["classes"].values()]
        assert sum(shares) == pytest.approx(1.0 if codes else 0.0)
        assert validate({"train": facts}, make_schema(facts), DriftConfig()) == []


def test_augmented_copies_of_any_label(sets):
    for domain in (PAIR, COLOUR, PLANE, BARE):
        source = open_slices(**sets[domain.name])
        pool = augmented_pool(source, 3, 1, ImageAugmentConfig())
        made = list(pool.stored().map(pool.finish).as_numpy_iterator())
        assert len(made) == 3
        assert made[0]["images"].shape == (40, 40, domain.image_channels)
        assert made[0]["lesion_label"].shape == source.label.shape(40, 40)


def test_a_set_that_lacks_what_its_domain_says_is_refused(tmp_path):
    where = write_set(tmp_path, BARE)
    file = tmp_path / "toy" / "1.0.0" / "metadata.json"
    file.write_text(file.read_text().replace('"bytes"', '"relative"'))
    with pytest.raises(MedSynthError, match=r"what their domain says.*intensity_max"):
        open_slices(**where)
