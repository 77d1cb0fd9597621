"""The gate that keeps copies of training slices out: whoever draws, and in chunks of any size."""

from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path

import numpy as np
import pytest

from tests.generation.analytic import Ellipses, parts
from tf_medsynth import runtime
from tf_medsynth.generation import TrainingReference, fill, publish, stream
from tf_medsynth.generation.candidates import compute_chunk
from tf_medsynth.metrics.descriptors import describe

COPIED = (3, 6)
SEED = 2


@pytest.fixture
def reference(pool, settings, tmp_path) -> TrainingReference:
    """As if candidates 3 and 6, mirrored and moved, were training slices."""
    chunk = compute_chunk(Ellipses(), pool, settings, SEED, 0)
    rows = [chunk.samples["sample_index"].tolist().index(k) for k in COPIED]
    images = np.roll(chunk.samples["images"][rows][:, :, ::-1], (2, -1), (1, 2))
    np.save(tmp_path / "training.npy", describe(images).fine)
    return TrainingReference(tmp_path / "training.npy", "name", 0.01, 0.1, len(images), 10)


def test_copies_are_rejected_and_every_distance_is_in_its_record(pool, settings, reference):
    chunk = compute_chunk(Ellipses(), pool, settings, SEED, 0, reference)
    reasons = {r["k"]: r["reason"] for r in chunk.records if r["reason"]}
    assert reasons == dict.fromkeys(COPIED, "memorised")
    distances = {r["k"]: r["scores"]["training_distance"] for r in chunk.records}
    assert all((distances[k] < 0.1) == (k in COPIED) for k in distances)
    kept = [distances[k] for k in chunk.samples["sample_index"].tolist()]
    np.testing.assert_array_equal(chunk.samples["training_distance"], np.float32(kept))


def test_without_a_filter_copies_are_told_and_kept(pool, settings, reference):
    unfiltered = dataclasses.replace(settings, filter=False)
    chunk = compute_chunk(Ellipses(), pool, unfiltered, SEED, 0, reference)
    assert [r["k"] for r in chunk.records if "memorised" in r["failed"]] == list(COPIED)
    assert chunk.accepted == len(chunk.records)


@pytest.mark.parametrize("chunk", [1, 3, 5])
def test_a_distance_does_not_depend_on_the_chunk(pool, settings, reference, chunk):
    whole = compute_chunk(Ellipses(), pool, dataclasses.replace(settings, chunk=15), SEED, 0, reference)
    small = dataclasses.replace(settings, chunk=chunk)
    made = [compute_chunk(Ellipses(), pool, small, SEED, n, reference) for n in range(15 // chunk)]
    assert [record for part in made for record in part.records] == whole.records


def test_workers_and_a_resumed_spool_give_the_same_samples(pool, settings, reference, tmp_path):
    pytest.importorskip("apache_beam")
    synthesiser, labels = parts()
    told = {"settings": settings, "seed": SEED, "reference": reference}
    alone = stream(synthesiser, labels, count=12, spool=tmp_path / "alone", **told)
    by_workers = functools.partial(fill, beam=runtime.Beam(), load=parts, count=12, **told)
    shared = stream(synthesiser, labels, count=12, spool=tmp_path / "shared", fill=by_workers, **told)
    stream(synthesiser, labels, count=4, spool=tmp_path / "resumed", **told)
    resumed = stream(synthesiser, labels, count=12, spool=tmp_path / "resumed", **told)
    for other in (shared, resumed):
        assert list(other.records_through(12)) == list(alone.records_through(12))
    assert not {sample["sample_index"].item() for sample in alone.samples(12)} & set(COPIED)


def test_summary_and_card_say_what_copies_were_told_by(pool, settings, reference, tmp_path):
    published = {}
    for name, told in (("judged", reference), ("not", None)):
        spool = stream(Ellipses(), pool, settings, SEED, 6, tmp_path / f"s {name}", reference=told)
        publish(spool, tmp_path / name, "nifti", 6)
        summary = json.loads((tmp_path / name / "summary.json").read_text())
        published[name] = summary, Path(tmp_path / name / "README.md").read_text()
    summary, card = published["judged"]
    assert summary["rejected"]["memorised"] == 2
    assert summary["memorisation"] == reference.identity()
    assert summary["scores"]["accepted"]["training_distance"]["min"] >= 0.1
    assert "| memorised | distance to the nearest training slice >= 0.1;" in card
    summary, card = published["not"]
    assert summary["memorisation"]["judged"] is False and summary["rejected"]["memorised"] == 0
    assert "Nobody looked for copies" in card and "| memorised | not looked at |" in card


def test_another_reference_is_another_set(pool, settings, reference, tmp_path):
    stream(Ellipses(), pool, settings, SEED, 4, tmp_path / "spool", reference=reference)
    other = dataclasses.replace(reference, fingerprint="other")
    with pytest.raises(Exception, match=r"memorisation\(reference: name -> other\)"):
        stream(Ellipses(), pool, settings, SEED, 4, tmp_path / "spool", reference=other)
