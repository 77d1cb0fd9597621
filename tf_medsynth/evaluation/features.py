"""A frozen network from a local file as a measure of images: what it sees, its name and its hash.

Nothing is downloaded. A value computed from features means nothing without the extractor's name,
hash and number of samples, which is why they travel together.
"""

from __future__ import annotations

import dataclasses
import hashlib
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from tf_medsynth.config.base import check
from tf_medsynth.metrics.arrays import as_images
from tf_medsynth.runtime import read_json
from tf_medsynth.types import MODALITIES

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
        input_range: what 0 and 1 become before the network.
        network: `(B, H, W, channels)` to `(B, d)` or `(B, h, w, d)`; the latter is averaged over h and w.
    """

    name: str
    sha256: str
    image_size: tuple[int | None, int | None]
    channels: int
    input_range: tuple[float, float]
    network: Callable[[Any], Any]

    def describe(self) -> dict[str, Any]:
        """Plain JSON values that stand beside whatever is computed from it."""
        return {
            "name": self.name,
            "sha256": self.sha256,
            "image_size": list(self.image_size),
            "channels": self.channels,
            "input_range": list(self.input_range),
        }

    def sees(self, modalities: Sequence[str] = MODALITIES) -> tuple[str, ...]:
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

    def features(
        self, batches: Iterable[ArrayLike], modalities: Sequence[str] = MODALITIES
    ) -> dict[str, Features]:
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
        low, high = self.input_range
        try:
            answer = self.network(tf.constant(low + (high - low) * filled, tf.float32))
        except (tf.errors.OpError, ValueError, TypeError) as error:
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            answer = None
            check("an extractor must take the images", False, extractor=self.name, shape=wanted, error=first)
        return _vectors(np.asarray(answer, np.float32), self.name)[:count]


def open_extractor(file: Path | str, input_range: Sequence[float] | None = None) -> Extractor:
    """The frozen network in a ``.keras`` file (safe mode: no code in it runs) or a SavedModel folder.

    Args:
        file: ``FILE.keras``, or a folder with ``saved_model.pb`` and a ``serving_default`` signature
            of one input and one output.
        input_range: what black and white (0 and 1) become, e.g. ``(-1, 1)`` for Keras's
            InceptionV3, ``(0, 255)`` for networks that rescale themselves. None reads ``input_range``
            of the JSON record beside the file (same name, ``.json``).

    Raises:
        MedSynthError: no such file, unreadable, another input than one image, no stated range.
    """
    path = Path(file)
    check(
        "an extractor is a local .keras file or SavedModel folder",
        path.exists(),
        "Train one: medsynth evaluate --train-features FILE.keras",
        file=str(path),
    )
    folder = path.is_dir()
    whole = (path / "saved_model.pb").exists() if folder else path.suffix == ".keras"
    check("an extractor is a .keras file or a folder with saved_model.pb", whole, file=str(path))
    limits = _input_range(path, input_range)
    network, shape = (_saved_model if folder else _keras_file)(path)
    check(
        "an extractor takes one image (rows, columns, channels)",
        len(shape) == 4 and shape[3] is not None,
        "Save it with a known number of channels, channels last.",
        extractor=path.name,
        input=shape,
    )
    size, channels = (shape[1], shape[2]), int(shape[3] or 0)
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
    """Where the record of an extractor stands: beside it, ``.json`` in place of ``.keras``."""
    path = Path(file)
    return path.with_name(f"{path.stem if path.suffix == '.keras' else path.name}.json")


def _update(digest: Any, file: Path) -> None:
    with file.open("rb") as stream:
        while part := stream.read(_BYTES):
            digest.update(part)


def _input_range(path: Path, given: Sequence[float] | None) -> tuple[float, float]:
    beside, stated = record_file(path), given
    remedy = f'Pass --feature-range LOW HIGH, or write {{"input_range": [LOW, HIGH]}} to {beside.name}.'
    if stated is None and beside.exists():
        stated = read_json(beside, remedy).get("input_range")
    numbers = isinstance(stated, (list, tuple)) and all(isinstance(v, (int, float)) for v in stated)
    check(
        "an extractor needs the range of its input: what black and white are",
        numbers and len(stated or ()) == 2 and stated[0] < stated[1],  # type: ignore[index]
        remedy,
        extractor=path.name,
        input_range=stated,
    )
    assert stated is not None
    return float(stated[0]), float(stated[1])


def _keras_file(path: Path) -> tuple[Callable[[Any], Any], tuple[int | None, ...]]:
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError, OSError, KeyError, ImportError, zipfile.BadZipFile) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        check("a .keras file must be whole and hold no code of its own", False, file=str(path), error=first)
    shape = getattr(model, "input_shape", None)
    check(
        "an extractor has one input and one output",
        isinstance(shape, tuple) and len(getattr(model, "outputs", None) or ()) == 1,
        extractor=path.name,
        input=shape,
    )
    model.trainable = False
    return tf.function(lambda images: model(images, training=False), autograph=False), tuple(shape or ())


def _saved_model(path: Path) -> tuple[Callable[[Any], Any], tuple[int | None, ...]]:
    try:
        held = tf.saved_model.load(str(path))
    except (tf.errors.OpError, ValueError, TypeError, OSError, AttributeError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        check("a SavedModel must be whole", False, file=str(path), error=first)
    signatures = getattr(held, "signatures", {})
    check(
        "a SavedModel needs the signature serving_default",
        "serving_default" in signatures,
        "Save it with model.export(...).",
        extractor=path.name,
        signatures=sorted(signatures),
    )
    call = signatures["serving_default"]
    inputs, outputs = call.structured_input_signature[1], call.structured_outputs
    check(
        "an extractor has one input and one output",
        len(inputs) == 1 and len(outputs) == 1,
        extractor=path.name,
        inputs=sorted(inputs),
        outputs=sorted(outputs),
    )
    ((argument, spec),) = inputs.items()
    (answer,) = outputs

    def network(images: Any, _held: Any = held) -> Any:
        """Keeps the model alive, whose variables the signature only borrows."""
        return call(**{argument: tf.cast(images, spec.dtype)})[answer]

    return network, tuple(spec.shape.as_list() if spec.shape.rank is not None else ())


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
