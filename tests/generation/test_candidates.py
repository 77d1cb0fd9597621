from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.generation.analytic import Ellipses, lesion
from tf_medsynth.config.generation import GenerationConfig
from tf_medsynth.generation.candidates import compute_chunk
from tf_medsynth.generation.labels import LabelPool
from tf_medsynth.types import MedSynthError

FLAWS = {1: "open", 2: "tiny", 3: "ignore", 4: "swap", 5: "shift"}
REASONS = {1: "contour", 2: "label", 3: "lesion_whole", 4: "lesion_class", 5: "registration"}


@pytest.fixture
def big_pool() -> LabelPool:
    """Labels that shrinking by a few pixels cannot fit into a tiny organ."""
    return LabelPool(np.stack([lesion(32, 16, 16, 5), lesion(32, 14, 18, 4)]).astype(np.uint8))


def test_each_flaw_is_rejected_for_its_reason(big_pool, settings):
    chunk = compute_chunk(Ellipses(flaws=FLAWS), big_pool, settings, 0, 0)
    assert [record["k"] for record in chunk.records] == list(range(8))
    assert {r["k"]: r["reason"] for r in chunk.records if not r["accepted"]} == REASONS
    assert chunk.samples["sample_index"].tolist() == [0, 6, 7]


def test_a_filter_stops_at_the_first_failure(big_pool, settings):
    records = compute_chunk(Ellipses(flaws=FLAWS), big_pool, settings, 0, 0).records
    assert records[1]["label_tries"] == 0
    assert records[2]["scores"]["lesion_dice"] is None
    assert records[4]["scores"]["registration_shift_px"] is None
    assert records[4]["scores"]["lesion_dice_by_class"]["enhancing"] > 0.9


def test_without_a_filter_all_is_measured_and_kept_that_has_a_label(big_pool, settings):
    unfiltered = dataclasses.replace(settings, filter=False)
    chunk = compute_chunk(Ellipses(flaws=FLAWS), big_pool, unfiltered, 0, 0)
    assert [r["k"] for r in chunk.records if not r["accepted"]] == [2]
    failed = {r["k"]: r["failed"] for r in chunk.records if r["failed"]}
    assert {k: reasons[0] for k, reasons in failed.items()} == REASONS
    measured = [r["scores"]["registration_shift_px"] for r in chunk.records if r["accepted"]]
    assert None not in measured
    assert chunk.samples["registration_shift_px"].tolist() == pytest.approx(measured)


def test_scores_that_are_not_measured_are_nan(pool):
    bare = GenerationConfig(filter=False, measure=False)
    chunk = compute_chunk(Ellipses(), pool, bare, 0, 0)
    assert chunk.accepted == 8
    assert np.isnan(chunk.samples["lesion_dice"]).all()
    assert np.isfinite(chunk.samples["contour_mae"]).all()


class Crossed(Ellipses):
    """Organs with a line through their middle, where a lesion may lie."""

    def draw_maps(self, seed, index):
        maps, masks = super().draw_maps(seed, index)
        maps[:, self.image_size[0] // 2] = 1 - masks[:, self.image_size[0] // 2]
        return maps, masks


def test_samples_are_what_the_synthesiser_draws(pool, settings):
    synthesiser = Crossed(flaws={2: "open"})
    chunk = compute_chunk(synthesiser, pool, settings, 4, 1)
    index = chunk.samples["sample_index"]
    maps, masks = synthesiser.draw_maps(4, index)
    label = chunk.samples["lesion_label"].astype(np.int32)
    images = synthesiser.render(maps, masks, label, 4, index)
    np.testing.assert_array_equal(chunk.samples["images"], images)
    seen = chunk.samples["structure_map"]  # by the generator: without the lines under the lesion
    np.testing.assert_array_equal(seen, maps * (label == 0))
    assert (maps[label > 0] > 0).any()
    np.testing.assert_array_equal(synthesiser.render(seen.astype(np.float32), masks, label, 4, index), images)
    np.testing.assert_array_equal(chunk.samples["background_mask"], masks)
    assert not (label * masks).any()
    assert 12 not in index
    assert {name: values.dtype for name, values in chunk.samples.items() if values.ndim == 4} == {
        "images": np.float32,
        "structure_map": np.uint8,
        "background_mask": np.uint8,
        "lesion_label": np.uint8,
    }


def test_networks_always_see_whole_chunks(pool, settings):
    synthesiser = Ellipses(flaws=FLAWS)
    for number in range(3):
        compute_chunk(synthesiser, pool, settings, 0, number)
    assert synthesiser.batches == [8, 8, 8]


@pytest.mark.parametrize("chunk", [1, 3, 5])
def test_a_candidate_does_not_depend_on_the_chunk_it_is_in(pool, settings, chunk):
    synthesiser = Ellipses(flaws=FLAWS)
    whole = compute_chunk(synthesiser, pool, dataclasses.replace(settings, chunk=15), 0, 0)
    parts = [
        compute_chunk(synthesiser, pool, dataclasses.replace(settings, chunk=chunk), 0, number)
        for number in range(15 // chunk)
    ]
    assert [record for part in parts for record in part.records] == whole.records
    for name, values in whole.samples.items():
        np.testing.assert_array_equal(np.concatenate([part.samples[name] for part in parts]), values)


def test_a_broken_synthesiser_is_named(pool, settings):
    class Broken(Ellipses):
        def render(self, *arguments):
            return np.full((8, 32, 32, 4), np.nan, np.float32)

    with pytest.raises(MedSynthError, match=r"images lies in \[0, 1\]. Received: minimum=nan"):
        compute_chunk(Broken(), pool, settings, 0, 0)
