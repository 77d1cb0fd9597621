"""A frozen network from a local file as a measure of images: what it sees, its name and its hash.

Nothing is downloaded. A value computed from features means nothing without the extractor's name,
hash and number of samples, which is why they travel together.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from tf_medsynth.config.base import check
from tf_medsynth.config.evaluation import ARCHITECTURES, Level
from tf_medsynth.evaluation.feature_files import H5, WHOLE, check_architecture, read_network
from tf_medsynth.metrics.arrays import as_images
from tf_medsynth.runtime import read_json

Features = NDArray[np.float32]

ALL = "all"
"""Name of the one feature set of an extractor that sees all modalities at once."""

ROWS = 32
_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True)
class Extractor:
    """A frozen network and how images are given to it.

    Attributes:
        name: of the file.
        sha256: of the file, or of all files of the folder with their names.
        image_size: rows and columns that it takes; None takes any.
        channels: 1 or 3 sees one modality at a time (grey is repeated three times), as many as there
            are modalities sees them together.
        input_range: what 0 and 1 become before the network, one number or one a channel.
        network: `(B, H, W, channels)` to `(B, d)` or `(B, h, w, d)`; the latter is averaged over h and w.
    """

    name: str
    sha256: str
    image_size: tuple[int | None, int | None]
    channels: int
    input_range: tuple[Level, Level]
    network: Callable[[Any], Any]

    def describe(self) -> dict[str, Any]:
        """Plain JSON values that stand beside whatever is computed from it."""
        return {
            "name": self.name,
            "sha256": self.sha256,
            "image_size": list(self.image_size),
            "channels": self.channels,
            "input_range": [list(v) if isinstance(v, tuple) else v for v in self.input_range],
        }

    def sees(self, modalities: Sequence[str]) -> tuple[str, ...]:
        """Names of the feature sets: `ALL`, or one a modality.

        Raises:
            MedSynthError: the network's channels are neither 1, 3 nor the number of modalities.
        """
        fits = self.channels in (1, 3, len(modalities))
        check(
            f"an extractor takes 1 channel, 3 (grey repeated), or all {len(modalities)} modalities",
            fits,
            "Give another file.",
            extractor=self.name,
            channels=self.channels,
        )
        return (ALL,) if self.channels == len(modalities) and self.channels != 1 else tuple(modalities)

    def features(self, batches: Iterable[ArrayLike], modalities: Sequence[str]) -> dict[str, Features]:
        """Features of a stream of images, ``{name: (n, d)}`` with the names of `sees`; one batch in memory.

        Args:
            batches: `(B, H, W, M)` in [0, 1] each, M the number of `modalities`. Images of another
                size than the network takes are resized (bilinear, antialiased).
            modalities: names of the M channels.

        Raises:
            MedSynthError: no image, another number of modalities, too small an image, an output that
                is no feature vector.
        """
        names = self.sees(modalities)
        found: dict[str, list[Features]] = {name: [] for name in names}
        for images in batches:
            array = as_images(images)
            check(
                "each modality needs its name",
                array.shape[3] == len(modalities),
                shape=array.shape,
                modalities=tuple(modalities),
            )
            for start in range(0, len(array), ROWS):
                rows = array[start : start + ROWS]
                for index, name in enumerate(names):
                    shown = rows if name == ALL else rows[..., index : index + 1]
                    found[name].append(self._see(shown))
        check("too few samples: there is no image", bool(found[names[0]]), extractor=self.name)
        return {name: np.concatenate(parts) for name, parts in found.items()}

    def _see(self, rows: NDArray[np.float32]) -> Features:
        count = len(rows)
        # Whole batches only: one traced size, however many images come.
        filled = rows[np.arange(ROWS) % count]
        if self.channels == 3 and filled.shape[-1] == 1:
            filled = np.repeat(filled, 3, axis=-1)
        wanted = tuple(own or given for own, given in zip(self.image_size, filled.shape[1:3], strict=True))
        if wanted != filled.shape[1:3]:
            filled = tf.image.resize(filled, wanted, antialias=True).numpy()
        low, high = (np.asarray(level, np.float32) for level in self.input_range)
        try:
            answer = self.network(tf.constant(low + (high - low) * filled, tf.float32))
        except (tf.errors.OpError, ValueError, TypeError) as error:
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            answer = None
            check("an extractor must take the images", False, extractor=self.name, shape=wanted, error=first)
        return _vectors(np.asarray(answer, np.float32), self.name)[:count]


def open_extractor(
    file: Path | str, input_range: Sequence[Any] | None = None, architecture: str | None = None
) -> Extractor:
    """The frozen network in a local file (safe mode: no code in it runs) or a SavedModel folder.

    Args:
        file: ``FILE.keras``; ``FILE.h5``, as Keras 2 wrote it, a whole model or weights alone; or a
            folder with ``saved_model.pb`` and a ``serving_default`` signature of one input and
            one output.
        input_range: what black and white (0 and 1) become, e.g. ``(-1, 1)``, ``(0, 255)`` for
            networks that rescale themselves; a list for one number a channel. None reads
            ``input_range`` of the JSON record beside the file (same name, ``.json``), and without it
            takes that of the architecture.
        architecture: of weights alone, one of `ARCHITECTURES`; None reads ``architecture`` of the record.

    Raises:
        MedSynthError: no such file, unreadable, another input than one image, no stated range, weights
            of another architecture.
    """
    path = Path(file)
    check(
        "an extractor is a local .keras or .h5 file or a SavedModel folder",
        path.exists(),
        "Train one: medsynth evaluate --train-features FILE.keras",
        file=str(path),
    )
    known = (path / "saved_model.pb").exists() if path.is_dir() else path.suffix in (WHOLE, *H5)
    check("an extractor is a .keras or .h5 file, or a folder with saved_model.pb", known, file=str(path))
    record = _record(path)
    architecture = architecture or record.get("architecture")
    check_architecture(path, architecture)
    limits = _input_range(path, input_range or record.get("input_range"), architecture)
    network, shape = read_network(path, architecture)
    check(
        "an extractor takes one image (rows, columns, channels)",
        len(shape) == 4 and shape[3] is not None,
        "Save it with a known number of channels, channels last.",
        extractor=path.name,
        input=shape,
    )
    size, channels = (shape[1], shape[2]), int(shape[3] or 0)
    check(
        "an input range has one number, or one a channel, for black and for white",
        all(np.size(level) in (1, channels) for level in limits),
        extractor=path.name,
        channels=channels,
        input_range=limits,
    )
    return Extractor(path.name, sha256(path), size, channels, limits, network)


def sha256(path: Path | str) -> str:
    """Hexadecimal SHA-256 of a file, or of a folder: every file's path in it and bytes, sorted by path."""
    path, digest = Path(path), hashlib.sha256()
    if not path.is_dir():
        _update(digest, path)
        return digest.hexdigest()
    for inner in sorted(p for p in path.rglob("*") if p.is_file()):
        digest.update(f"{inner.relative_to(path).as_posix()}\0{inner.stat().st_size}\0".encode())
        _update(digest, inner)
    return digest.hexdigest()


def record_file(file: Path | str) -> Path:
    """Where the record of an extractor stands: beside it, ``.json`` in place of ``.keras`` or ``.h5``."""
    path = Path(file)
    return path.with_name(f"{path.stem if path.suffix in (WHOLE, *H5) else path.name}.json")


def _update(digest: Any, file: Path) -> None:
    with file.open("rb") as stream:
        while part := stream.read(_BYTES):
            digest.update(part)


def _record(path: Path) -> dict[str, Any]:
    beside = record_file(path)
    return read_json(beside, f"{_state_range(path)} Or remove it.") if beside.exists() else {}


def _state_range(path: Path) -> str:
    return (
        f'Pass --feature-range LOW HIGH, or write {{"input_range": [LOW, HIGH]}} to {record_file(path).name}.'
    )


def _input_range(path: Path, stated: Any, architecture: str | None) -> tuple[Level, Level]:
    if stated is None and architecture is not None:
        return ARCHITECTURES[architecture]
    pair = stated if isinstance(stated, (list, tuple)) and len(stated) == 2 else (None, None)
    levels = [tuple(level) if isinstance(level, (list, tuple)) else (level,) for level in pair]
    numbers = all(isinstance(v, (int, float)) for level in levels for v in level)
    check(
        "an extractor needs the range of its input: what black and white are",
        numbers and bool((np.asarray(levels[0]) < np.asarray(levels[1])).all()),
        _state_range(path),
        extractor=path.name,
        input_range=stated,
    )
    low, high = (float(level[0]) if len(level) == 1 else tuple(map(float, level)) for level in levels)
    return low, high


def _vectors(answer: NDArray[np.float32], name: str) -> Features:
    pooled = answer.mean(axis=(1, 2)) if answer.ndim == 4 else answer
    check(
        "an extractor answers (rows, d) or (rows, h, w, d)",
        pooled.ndim == 2 and len(pooled) == ROWS,
        "Cut the network at its pooled layer.",
        extractor=name,
        answer=answer.shape,
    )
    check("features must be finite", bool(np.isfinite(pooled).all()), "Check input_range.", extractor=name)
    return pooled
