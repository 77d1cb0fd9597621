"""Lesion-free samples are taken at the training slices' rate, by whatever came before."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.generation.analytic import Ellipses, lesion
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.generation import LabelPool, stream
from tf_medsynth.generation.fitting import fit_labels
from tf_medsynth.generation.proportion import Proportion
from tf_medsynth.generation.summary import summarise
from tf_medsynth.imaging.labels import label_kind


def record(empty: bool, accepted: bool = True) -> dict:
    return {"accepted": accepted, "reason": None, "lesion_pixels": {"whole": 0 if empty else 9}}


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5])
def test_as_many_are_empty_as_in_training_though_more_pass(share):
    random = np.random.default_rng(0)
    records = [record(bool(empty)) for empty in random.random(2000) < 0.7]
    judged = Proportion(share).of(records)
    taken = [r for r in judged if r["accepted"]]
    empty = sum(not any(r["lesion_pixels"].values()) for r in taken)
    assert abs(empty - share * len(taken)) <= 1
    assert {r["reason"] for r in judged if not r["accepted"]} == {"proportion"}
    assert len(taken) - empty == sum(r["lesion_pixels"]["whole"] > 0 for r in records)


def test_it_goes_on_where_it_was_and_leaves_what_was_rejected():
    records = [record(empty=k % 3 > 0, accepted=k % 5 > 0) for k in range(60)]
    whole = Proportion(0.4).of(records)
    proportion = Proportion(0.4)
    assert [r for start in range(0, 60, 7) for r in proportion.of(records[start : start + 7])] == whole
    assert all(not w["accepted"] for w, r in zip(whole, records, strict=True) if not r["accepted"])
    assert Proportion(None).of(records) == records


@pytest.fixture
def half_empty() -> LabelPool:
    empty = np.zeros((32, 32), np.int32)
    return LabelPool(np.stack([lesion(), empty, lesion(32, 14, 18, 4), empty]).astype(np.uint8))


@pytest.mark.parametrize("filter", [True, False])
def test_a_generation_says_and_keeps_the_share(half_empty, settings, tmp_path, filter):
    """Every third drawing ignores its label: of those with a lesion a third fail, of the empty ones none."""
    drawer = Ellipses(flaws={1: "ignore"}, period=3)
    chosen = dataclasses.replace(settings, filter=filter)
    spool = stream(drawer, half_empty, chosen, 0, 60, tmp_path / "spool")
    labels = np.stack([sample["lesion_label"] for sample in spool.samples(60)])
    empty = int((~labels.any(axis=(1, 2, 3))).sum())
    told = summarise(spool, 60)
    assert told["lesion_free"]["training"] == 0.5
    assert told["lesion_free"]["accepted"] == pytest.approx(empty / 60, abs=1e-6)
    assert abs(told["lesion_free"]["candidates"] - 0.5) < 0.2
    assert sum(r["accepted"] for r in spool.records_through(60)) == 60
    if filter:
        assert empty <= 30 and told["rejected"]["lesion_whole"] > 0
    assert (told["rejected"]["proportion"] > 0) == filter


def test_whether_there_is_a_lesion_does_not_depend_on_the_organ(half_empty, settings):
    """An empty label fits everywhere: it may not stand in for a lesion that did not."""
    rows, columns = np.indices((32, 32)) - 16
    corner = np.ones((200, 32, 32, 1), np.float32)  # hardly any lesion fits
    corner[:, :20, :20] = 0.0
    wide = np.repeat((np.hypot(rows, columns) > 13)[None, ..., None].astype(np.float32), 200, axis=0)
    for organ in (corner, wide):
        found = fit_labels(
            half_empty, label_kind(BRAIN_MRI), organ, np.ones(200, bool), settings, 0, np.arange(200)
        )
        shown = found.labels.any(axis=(1, 2, 3))
        drawn_empty = [s is not None and not half_empty[s].any() for s in found.sources]
        assert 0.4 < np.mean(drawn_empty) < 0.6
        assert not shown[drawn_empty].any()
