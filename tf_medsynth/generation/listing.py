"""``samples.csv`` beside a generated set: a row a sample, with its name, its scores and where it lies."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tf_medsynth.config.generation import SampleFormat
from tf_medsynth.generation.spool import Record

SAMPLES_NAME = "samples.csv"

SCORES = {
    "contour_mae": "mask against the map's filled outline",
    "lesion_dice": "agreement of the guides with the label",
    "registration_shift_px": "shift of the worst pair of modalities, px",
    "training_distance": "distance to the nearest training slice, where it was measured",
}
"""Scores of a candidate that are one number, and what they say."""

_COLUMNS = {
    "number": ("sc:Integer", "place in the set, from 0; of the TFDS example in the split train"),
    "model_hash": ("sc:Text", "model that drew it"),
    "seed": ("sc:Integer", "seed of the set"),
    "sample_index": ("sc:Integer", "k of the sample; with model hash and seed it names the sample"),
    "folder": ("sc:Text", "folder of its volumes"),
    **{name: ("sc:Float", words) for name, words in SCORES.items()},
    "lesion_pixels": ("sc:Integer", "size of its lesion"),
}


_SUFFIXES = {"T1c": "t1ce"}
"""Of modalities that files are not named by in lower case."""


def suffix_of(channel: str) -> str:
    """What the name of a channel's volume ends in."""
    return _SUFFIXES.get(channel, channel.lower())


def sample_name(seed: int, index: int) -> str:
    """What the files of a sample begin with."""
    return f"medsynth_{seed}_{index:08d}"


def sample_columns(form: SampleFormat) -> dict[str, tuple[str, str]]:
    """Columns of ``samples.csv``: Croissant's type and what they say."""
    return {name: told for name, told in _COLUMNS.items() if name != "folder" or form != "tfds"}


def write_samples(
    folder: Path, identity: Mapping[str, Any], records: Iterable[Record], form: SampleFormat
) -> None:
    """Writes ``samples.csv`` into `folder`.

    Args:
        folder: of the set.
        identity: of its spool.
        records: of the candidates, in order; those accepted are the samples.
        form: of the set.
    """
    seed = identity["seed"]
    with (folder / SAMPLES_NAME).open("w", newline="", encoding="utf-8") as file:
        columns = sample_columns(form)
        writer = csv.DictWriter(file, columns, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        for number, record in enumerate(record for record in records if record["accepted"]):
            name = {"model_hash": identity["model_hash"], "seed": seed, "sample_index": record["k"]}
            place = {"number": number, "folder": sample_name(seed, record["k"])}
            size = {"lesion_pixels": record["lesion_pixels"].get("whole")}
            writer.writerow({**place, **name, **record["scores"], **size})
