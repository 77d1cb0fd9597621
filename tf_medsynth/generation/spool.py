"""A folder of finished chunks of candidates: what makes generation resumable.

``spool.json`` names what is generated; ``chunks/<number>.npz`` holds one finished chunk: the
accepted samples' arrays and the records of all its candidates, in one file written in one step.
Everything else, ``records.jsonl`` included, is derived from these files.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from tf_medsynth.config.base import check
from tf_medsynth.config.domain import Domain
from tf_medsynth.config.records import SpoolHeader, domain_of
from tf_medsynth.generation.proportion import Proportion
from tf_medsynth.runtime import alone, atomic_path, json_text, read_json, read_record, write_json
from tf_medsynth.types import MedSynthError

SPOOL_FORMAT = 1
HEADER_NAME = "spool.json"
CHUNK_FOLDER = "chunks"
RECORDS_NAME = "records.jsonl"
_CHUNK_FILES = "[0-9]*.npz"
_RECORDS_KEY = "records"

Record = dict[str, Any]


@dataclass(frozen=True)
class Chunk:
    """One aligned run of candidates, done.

    Attributes:
        records: one a candidate, in order.
        samples: arrays of the accepted candidates, in order, first axis the sample: ``images``
            float32 `(a, H, W, M)`, ``structure_map``, ``background_mask``, ``lesion_label`` uint8
            `(a, H, W, 1)`, ``sample_index`` int64 `(a,)`, and float32 scores `(a,)`.
    """

    records: list[Record]
    samples: dict[str, np.ndarray]

    @property
    def accepted(self) -> int:
        """Number of accepted candidates."""
        return len(self.samples["sample_index"])


class Spool:
    """The chunks of one (model, labels, settings, seed), opened by `open_spool`."""

    def __init__(self, folder: Path, header: Mapping[str, Any]) -> None:
        self.folder = folder
        self.identity: dict[str, Any] = header["identity"]
        self.label_coverage: dict[str, Any] = header["label_coverage"]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The spool in `folder`.

        Raises:
            MedSynthError: there is none, or one of another layout version.
        """
        path = folder / HEADER_NAME
        check("a spool folder holds spool.json", path.is_file(), "Run generate first.", spool=str(folder))
        remedy = "Use another --out, or remove the spool."
        held = read_json(path, remedy).get("format")
        check("the spool must be of this version's layout", held == SPOOL_FORMAT, remedy, format=held)
        header = read_record(path, SpoolHeader, remedy)
        return cls(folder, header)

    @property
    def image_size(self) -> tuple[int, int]:
        """(H, W) of the samples."""
        rows, columns = self.identity["image_size"]
        return rows, columns

    @property
    def domain(self) -> Domain:
        """What the samples show."""
        return domain_of(self.identity, "Remove the spool: it is drawn again.")

    def finished(self) -> int:
        """Number of finished chunks."""
        return sum(1 for _ in (self.folder / CHUNK_FOLDER).glob(_CHUNK_FILES))

    def has(self, number: int) -> bool:
        """Whether chunk `number` is finished."""
        return self._path(number).is_file()

    def write(self, number: int, chunk: Chunk) -> None:
        """Stores a finished chunk in one step and appends its records to ``records.jsonl``."""
        self.keep(number, chunk)
        with self._writing(), (self.folder / RECORDS_NAME).open("a", encoding="utf-8") as log:
            log.writelines(map(encode_record, chunk.records))

    def keep(self, number: int, chunk: Chunk, shared: bool = False) -> None:
        """Stores a finished chunk in one step; `shared` where other processes may store the same."""
        lines = "".join(map(encode_record, chunk.records))
        packed = np.frombuffer(lines.encode(), np.uint8)
        target = atomic_path(self._path(number), shared=shared)
        with self._writing(), target as partial, partial.open("wb") as file:
            np.savez(file, allow_pickle=False, **{_RECORDS_KEY: packed}, **chunk.samples)

    def records(self, number: int) -> list[Record]:
        """The records of finished chunk `number`."""
        with self._opened(number) as arrays:
            text = arrays[_RECORDS_KEY].tobytes().decode()
        return [json.loads(line) for line in text.splitlines()]

    def arrays(self, number: int) -> dict[str, np.ndarray]:
        """The accepted samples of finished chunk `number`, as in `Chunk.samples`."""
        with self._opened(number) as arrays:
            return {name: arrays[name] for name in arrays.files if name != _RECORDS_KEY}

    def samples(self, count: int) -> Iterator[dict[str, np.ndarray]]:
        """The first `count` accepted samples in order, one chunk in memory at a time."""
        left = count
        for number, records in self._judged(count):
            arrays = self.arrays(number)
            taken = {record["k"] for record in records if record["accepted"]}
            rows = [row for row, k in enumerate(arrays["sample_index"].tolist()) if k in taken][:left]
            for row in rows:
                yield {name: values[row] for name, values in arrays.items()}
            left -= len(rows)
            if not left:
                return

    def records_through(self, count: int) -> Iterator[Record]:
        """Records of all candidates up to and with the `count`-th accepted one, in order."""
        left = count
        for _, records in self._judged(count):
            for record in records:
                yield record
                left -= record["accepted"]
                if not left:
                    return

    def proportion(self) -> Proportion:
        """What decides of the candidates that passed the gates, in their order."""
        filtered = self.identity.get("settings", {}).get("filter")
        return Proportion(self.identity.get("labels", {}).get("lesion_free") if filtered else None)

    def _judged(self, count: int) -> Iterator[tuple[int, list[Record]]]:
        """Chunk by chunk, its number and its records as `proportion` leaves them."""
        proportion = self.proportion()
        for number in itertools.count():
            self._check_holds(number, count)
            yield number, proportion.of(self.records(number))

    def rewrite_records(self) -> None:
        """Derives ``records.jsonl`` anew from the chunks: a killed run may have left half a line."""
        with atomic_path(self.folder / RECORDS_NAME) as partial, partial.open("w", encoding="utf-8") as log:
            for path in sorted((self.folder / CHUNK_FOLDER).glob(_CHUNK_FILES)):
                log.writelines(map(encode_record, self.records(int(path.stem))))

    def _path(self, number: int) -> Path:
        return self.folder / CHUNK_FOLDER / f"{number:08d}.npz"

    def _check_holds(self, number: int, count: int) -> None:
        check(
            "the spool must hold the samples asked for",
            self.has(number),
            "Run generate with this --count to the end first.",
            count=count,
            finished_chunks=number,
        )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise MedSynthError(
                f"the spool must stay writable, with space left. Received: {self.folder}, {error}. "
                "Finished chunks are kept: make room and run again with --resume."
            ) from error

    @contextmanager
    def _opened(self, number: int) -> Iterator[Any]:
        path = self._path(number)
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                yield arrays
        except MedSynthError:
            raise
        except Exception as error:  # zipfile, zlib and NumPy raise half a dozen types between them
            raise MedSynthError(
                f"a finished chunk must be readable. Received: {path}, {error}. "
                "Remove the file: it is drawn again, the same, on the next run."
            ) from error


@contextmanager
def open_spool(
    folder: Path, identity: Mapping[str, Any], label_coverage: Callable[[], Mapping[str, Any]]
) -> Iterator[Spool]:
    """The spool in `folder`, created or continued, locked while it is open.

    Args:
        folder: where it is, or will be.
        identity: everything that decides what the samples are, as JSON values; holds
            ``image_size`` (H, W).
        label_coverage: table of the label pool, asked for when the spool is new.

    Raises:
        MedSynthError: it cannot be written, another process is at it, or it holds the chunks of
            another model, label pool, settings or seed.
    """
    rule = "one process writes a spool at a time"
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(alone(folder, rule, "Wait for the other one, or use another --out."))
            (folder / CHUNK_FOLDER).mkdir(exist_ok=True)
        except OSError as error:
            raise MedSynthError(
                f"the spool must be a writable folder. Received: {folder}, {error}."
            ) from error
        yield _continued(folder, identity, label_coverage)


def _continued(
    folder: Path, identity: Mapping[str, Any], label_coverage: Callable[[], Mapping[str, Any]]
) -> Spool:
    wanted = json.loads(json_text(identity))
    path = folder / HEADER_NAME
    if not path.exists():
        check(
            "a new spool starts in an empty folder",
            not any((folder / CHUNK_FOLDER).glob(_CHUNK_FILES)),
            "Remove it, or use another --out.",
            spool=str(folder),
        )
        write_json(path, {"format": SPOOL_FORMAT, "identity": wanted, "label_coverage": label_coverage()})
    spool = Spool.read(folder)
    different = _differences(spool.identity, wanted)
    check(
        "a spool continues only with the model, labels, settings and seed it was begun with",
        not different,
        "Use another --out, or remove the spool.",
        spool=str(folder),
        differs=different,
    )
    for left in (folder / CHUNK_FOLDER).glob(".partial-*"):
        left.unlink()
    spool.rewrite_records()
    return spool


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """``key: old -> new`` of all that differs, ``group(key: old -> new)`` inside groups; or empty."""
    words = []
    for key in sorted({*before, *now}):
        old, new = before.get(key), now.get(key)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            words.append(f"{key}({_differences(old, new)})")
        else:
            words.append(f"{key}: {old} -> {new}")
    return ", ".join(words)


def encode_record(record: Mapping[str, Any]) -> str:
    """One line of ``records.jsonl``; NaN is refused, an unmeasured score is null."""
    return json.dumps(record, allow_nan=False) + "\n"
