from __future__ import annotations

import json

import numpy as np
import pytest

from tests.generation.analytic import Ellipses
from tf_medsynth.generation.candidates import compute_chunk
from tf_medsynth.generation.spool import Chunk, Spool, open_spool
from tf_medsynth.types import MedSynthError

IDENTITY = {
    "model_hash": "m",
    "seed": 0,
    "image_size": (32, 32),
    "settings": {"chunk": 8, "lesion": {"whole": 0.9}},
}


def opened(folder, **changes):
    return open_spool(folder, {**IDENTITY, **changes}, lambda: {"whole": {}})


@pytest.fixture
def chunk(pool, settings) -> Chunk:
    return compute_chunk(Ellipses(flaws={1: "open", 5: "shift"}), pool, settings, 0, 0)


def test_what_is_written_is_read(tmp_path, chunk):
    with opened(tmp_path) as spool:
        assert not spool.has(0)
        spool.write(0, chunk)
    again = Spool.read(tmp_path)
    assert again.has(0)
    assert again.finished() == 1
    assert again.records(0) == chunk.records
    for name, values in chunk.samples.items():
        np.testing.assert_array_equal(again.arrays(0)[name], values)


def test_records_are_a_line_a_candidate_and_mended_when_cut(tmp_path, chunk):
    with opened(tmp_path) as spool:
        spool.write(0, chunk)
        spool.write(1, chunk)
    log = tmp_path / "records.jsonl"
    whole = log.read_bytes()
    assert [json.loads(line)["k"] for line in whole.splitlines()] == [*range(8), *range(8)]
    log.write_bytes(whole[:-20])
    with opened(tmp_path):
        assert log.read_bytes() == whole


def test_samples_and_records_end_at_the_count(tmp_path, chunk):
    with opened(tmp_path) as spool:
        spool.write(0, chunk)
    taken = list(spool.samples(3))
    assert [int(sample["sample_index"]) for sample in taken] == chunk.samples["sample_index"][:3].tolist()
    records = list(spool.records_through(3))
    assert sum(record["accepted"] for record in records) == 3
    assert records[-1]["accepted"]
    with pytest.raises(MedSynthError, match="must hold the samples"):
        list(spool.samples(chunk.accepted + 1))


def test_another_identity_is_refused_and_says_what_differs(tmp_path):
    with opened(tmp_path):
        pass
    settings = {"chunk": 8, "lesion": {"whole": 0.7}}
    with (
        pytest.raises(MedSynthError, match=r"seed: 0 -> 3, settings\(lesion\(whole: 0\.9 -> 0\.7\)\)"),
        opened(tmp_path, seed=3, settings=settings),
    ):
        pass


def test_one_process_at_a_time(tmp_path):
    with opened(tmp_path), pytest.raises(MedSynthError, match="in use"), opened(tmp_path):
        pass
    with opened(tmp_path) as spool:  # free again
        assert spool.finished() == 0


def test_a_damaged_chunk_is_named_with_its_remedy(tmp_path, chunk):
    with opened(tmp_path) as spool:
        spool.write(0, chunk)
        path = next((tmp_path / "chunks").iterdir())
        path.write_bytes(path.read_bytes()[:1000])
        with pytest.raises(MedSynthError, match=r"00000000\.npz.*drawn again, the same"):
            spool.arrays(0)


def test_a_spool_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MedSynthError, match="writable folder"), opened(tmp_path / "file" / "spool"):
        pass
    with pytest.raises(MedSynthError, match=r"holds spool\.json"):
        Spool.read(tmp_path)


def test_chunks_without_a_header_are_not_continued(tmp_path, chunk):
    with opened(tmp_path) as spool:
        spool.write(0, chunk)
    (tmp_path / "spool.json").unlink()
    with pytest.raises(MedSynthError, match="starts in an empty folder"), opened(tmp_path):
        pass
