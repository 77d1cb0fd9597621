"""Chunks drawn by a pipeline's workers: the same samples, whoever draws them, and however often."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

import pytest

from tests.generation.analytic import Ellipses, Mortal, parts
from tests.generation.generate_and_die import FLAWS, SEED, SETTINGS
from tf_medsynth import runtime
from tf_medsynth.generation import Spool, fill, stream
from tf_medsynth.generation import sharding as module
from tf_medsynth.types import MedSynthError

ROOT = Path(__file__).resolve().parents[2]
COUNT = 20

if importlib.util.find_spec("apache_beam") is None:
    pytest.skip("Apache Beam is not installed", allow_module_level=True)


def drawn(spool: Path, workers: int | None = None, settings=SETTINGS, **options) -> Spool:
    """A spool whose chunks the workers of a pipeline drew."""
    synthesiser, labels = parts(flaws=FLAWS)
    by_workers = functools.partial(
        fill,
        beam=runtime.Beam(workers=workers),
        load=functools.partial(parts, flaws=FLAWS, **options),
        settings=settings,
        seed=SEED,
        count=COUNT,
    )
    filled = stream(synthesiser, labels, settings, SEED, COUNT, spool, fill=by_workers)
    assert synthesiser.batches == [], "a chunk was left to this process"
    return filled


def published(spool: Spool) -> list:
    """All that a data set is made of."""
    samples = [{name: value.tobytes() for name, value in s.items()} for s in spool.samples(COUNT)]
    return [samples, list(spool.records_through(COUNT))]


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Spool:
    """What one process draws without a pipeline."""
    return stream(*parts(flaws=FLAWS), SETTINGS, SEED, COUNT, tmp_path_factory.mktemp("spool"))


@pytest.mark.parametrize("workers", [None, pytest.param(2, marks=pytest.mark.slow)])
def test_workers_draw_the_samples_of_one_process(alone, tmp_path, monkeypatch, workers, contents):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    by_workers = drawn(tmp_path, workers)
    assert published(by_workers) == published(alone)
    ours, theirs = contents(by_workers.folder), contents(alone.folder)
    chunks = {name for name in theirs if name.endswith(".npz")}
    assert {name: ours[name] for name in chunks} == {name: theirs[name] for name in chunks}
    assert (by_workers.folder / "records.jsonl").read_text().count("\n") == 4 * by_workers.finished()


def test_a_worker_that_died_costs_its_chunk_only_and_doubles_nothing(alone, tmp_path):
    options = {"kind": Mortal, "died": tmp_path / "died", "k": 5}
    with pytest.raises(OSError, match="taken away"):
        drawn(tmp_path / "spool", **options)
    assert not (tmp_path / "spool" / "chunks" / "00000001.npz").exists()
    (tmp_path / "spool" / "chunks" / ".partial-left-00000001.npz").write_bytes(b"half")
    again = drawn(tmp_path / "spool", **options)
    assert published(again) == published(alone)
    assert not list(again.folder.rglob(".partial-*"))


def test_a_chunk_given_out_twice_is_the_same_chunk(alone, tmp_path, contents):
    by_workers = drawn(tmp_path)
    before = contents(tmp_path)
    for path in sorted((tmp_path / "chunks").glob("*.npz"))[:2]:
        module._draw(functools.partial(parts, flaws=FLAWS), SETTINGS, SEED, tmp_path, int(path.stem))
        path.unlink()
        module._draw(functools.partial(parts, flaws=FLAWS), SETTINGS, SEED, tmp_path, int(path.stem))
    assert contents(tmp_path) == before and by_workers.finished() == len(list(tmp_path.rglob("*.npz")))


def test_workers_stop_at_the_most_candidates(tmp_path):
    closed = dict.fromkeys(range(10), "open")
    synthesiser, labels = parts(flaws=closed)
    settings = SETTINGS.override({"max_candidates_per_sample": 2, "min_candidates": 8})
    load = functools.partial(parts, flaws=closed)
    by_workers = functools.partial(
        fill, beam=runtime.Beam(), load=load, settings=settings, seed=SEED, count=COUNT
    )
    with pytest.raises(MedSynthError, match="acceptance too low"):
        stream(synthesiser, labels, settings, SEED, COUNT, tmp_path, fill=by_workers)
    assert Spool.read(tmp_path).finished() <= settings.candidate_cap(COUNT) // settings.chunk


def test_a_worker_with_another_model_is_refused(alone, monkeypatch):
    monkeypatch.setattr(Ellipses, "model_hash", "other")
    with pytest.raises(MedSynthError, match="every worker must see the run"):
        module._draw(parts, SETTINGS, SEED, alone.folder, 1000)
