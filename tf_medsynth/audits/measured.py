"""What an evaluation measures: real slices with their maps, a synthetic set, and streams of both."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tf_medsynth.config.base import check, fingerprint
from tf_medsynth.config.data import DataSettings
from tf_medsynth.config.domain import Domain
from tf_medsynth.config.imaging import OperatorConfig
from tf_medsynth.config.presets import preset as preset_named
from tf_medsynth.data.batches import with_structure
from tf_medsynth.data.mapped import stacked
from tf_medsynth.data.slices import READ_IN_ORDER, SliceSource, open_slices
from tf_medsynth.runs.published import open_published
from tf_medsynth.runs.run_directory import stage_directory
from tf_medsynth.runtime import progress
from tf_medsynth.runtime.prepared_sets import domain_of

Arrays = dict[str, np.ndarray]

SPLITS = ("train", "test")
_BATCH = 32
_DRAWN = ("images", "structure_map", "background_mask", "lesion_label")


@dataclasses.dataclass(frozen=True)
class Measured:
    """The two sides of an evaluation.

    Attributes:
        sources: real slices by split.
        operators: that draw their structure maps.
        synthetic: the data set of samples.
        samples: of them that are held.
    """

    sources: Mapping[str, SliceSource]
    operators: OperatorConfig
    synthetic: Any
    samples: int

    @functools.cached_property
    def real(self) -> Mapping[str, Arrays]:
        """Arrays of the real slices by split: index, images, lesion_label, anatomy, structure_map,
        background_mask, patient. They are read when they are asked for first, into temporary files.
        """
        return {split: _real(source, self.operators) for split, source in self.sources.items()}

    @functools.cached_property
    def drawn(self) -> Arrays:
        """The first `samples` of the synthetic set, without index, anatomy and patient, read as `real`."""
        return _drawn(self.synthetic, self.samples)

    @functools.cached_property
    def everyone(self) -> Arrays:
        """The real slices of all splits."""
        return joined(self.real["train"], self.real["test"])

    @property
    def domain(self) -> Domain:
        """What both sides show."""
        return self.sources["test"].domain

    @property
    def name(self) -> str:
        """Hexadecimal name of both sides."""
        info = self.synthetic.info
        parts = [(split, part.num_examples, part.num_bytes) for split, part in info.splits.items()]
        return fingerprint(
            [source.fingerprint for source in self.sources.values()], str(info.metadata), parts
        )

    def real_batches(self, most: int) -> Iterator[tuple[np.ndarray, np.ndarray, str]]:
        """Images, names of patients and split, batch by batch; of more than `most`, evenly spread ones."""
        total = sum(source.count for source in self.sources.values())
        kept = set(np.linspace(0, total - 1, min(most, total)).astype(int).tolist())
        position = 0
        for split, source in self.sources.items():
            for batch in source.examples(names=True).batch(_BATCH).as_numpy_iterator():
                size = len(batch["images"])
                rows = [k for k in range(size) if position + k in kept]
                position += size
                if rows:
                    yield batch["images"][rows], batch["patient"][rows].astype(str), split

    def drawn_batches(self, most: int) -> Iterator[np.ndarray]:
        """The images of the synthetic set, batch by batch, the first `most` of them."""
        stored = self.synthetic.as_dataset(split="train", read_config=READ_IN_ORDER).take(most)
        total = -(-min(most, self.synthetic.info.splits["train"].num_examples) // _BATCH)
        batches = stored.map(lambda example: example["images"]).batch(_BATCH)
        yield from progress(batches.as_numpy_iterator(), total, "features", "batch")


class RealData(NamedTuple):
    """Prepared real data, and how they are read."""

    data: str
    data_dir: Path
    settings: DataSettings
    operators: OperatorConfig | None  # None takes those measured for the images' size


def real_data(
    run: Path | str | None,
    data: str | None,
    data_dir: Path | str | None,
    preset: str = "tiny",
    overrides: Mapping[str, Any] | None = None,
) -> RealData:
    """The real data of a run, or those that are named.

    Args:
        run: run directory whose multimodal stage has been trained, or None.
        data: in place of `run`: prepared data set.
        data_dir: where it was prepared.
        preset: with `data`: whose ``data`` settings make the stored intensities images in [0, 1].
        overrides: of these, ``data.key`` counts; a run has its own.

    Raises:
        MedSynthError: not one of both, or a run without that stage.
    """
    check(
        "the real data are those of a run, or data with their data_dir",
        (run is None) != (data is None) and (data is None) == (data_dir is None),
        run=None if run is None else str(run),
        data=data,
        data_dir=None if data_dir is None else str(data_dir),
    )
    changes = {key: value for key, value in (overrides or {}).items() if key.startswith("data.")}
    if run is None:
        own = preset_named(preset).override(changes)
        return RealData(str(data), Path(str(data_dir)), own.data, own.operators)
    check("a run has data settings of its own", not changes, "Leave them out.", settings=sorted(changes))
    config = stage_directory(run, "multimodal").config()
    settings = DataSettings.from_dict(config["data_settings"])
    return RealData(
        config["data"], Path(config["data_dir"]), settings, OperatorConfig.from_dict(config["operators"])
    )


def without_data(overrides: Mapping[str, Any] | None) -> dict[str, Any]:
    """`overrides` without those of the data settings."""
    return {key: value for key, value in (overrides or {}).items() if not key.startswith("data.")}


def measured(real: RealData, synthetic: Path, most: int) -> Measured:
    """Both sides of an evaluation, read.

    Args:
        real: prepared real data with `SPLITS`.
        synthetic: data_dir of ``medsynth_synthetic``.
        most: synthetic samples to hold.

    Raises:
        MedSynthError: an empty set, or images of different sizes.
    """
    builder = open_published(synthetic)
    sources = {split: open_slices(real.data, real.data_dir, split, real.settings) for split in SPLITS}
    shape, size = builder.info.features["images"].shape, sources["test"].image_size
    check(
        "the synthetic set has the real images' size",
        tuple(shape[:2]) == size,
        synthetic=tuple(shape),
        real=size,
    )
    domain, drawn = sources["test"].domain, domain_of(builder)
    check(
        "the synthetic set shows what the real images show",
        (drawn.modalities, drawn.channels, drawn.label) == (domain.modalities, domain.channels, domain.label),
        "Generate it from a run that was trained on data of this domain.",
        synthetic=drawn.to_dict(),
        real=domain.to_dict(),
    )
    operators = real.operators or domain.operators_at(*size)
    return Measured(sources, operators, builder, min(most, builder.info.splits["train"].num_examples))


def joined(one: Arrays, other: Arrays) -> Arrays:
    """Both sets one after the other, of what `other` holds."""
    return stacked([{name: half[name] for name in other} for half in (one, other)])


def with_lesion(real: Arrays) -> Arrays:
    """The slices that show one; all where nothing is labelled."""
    if "lesion_label" not in real:
        return real
    shown = real["lesion_label"].any(axis=(1, 2, 3))
    return {name: values[shown] for name, values in real.items()}


def organ(images: np.ndarray) -> np.ndarray:
    """`(B, H, W)` True inside the organ of real images, whose background is 0."""
    inside: np.ndarray = images.max(axis=-1) > 0.0
    return inside


def drawn_organ(drawn: Arrays) -> np.ndarray:
    """`(B, H, W)` True inside the organ of synthetic images: inside the mask, and not dark."""
    inside: np.ndarray = (drawn["background_mask"][..., 0] == 0) & (drawn["images"].max(axis=-1) > 0.02)
    return inside


def spread(values: np.ndarray, count: int) -> np.ndarray:
    """`count` of them, evenly spread."""
    return values[np.linspace(0, len(values) - 1, min(count, len(values))).astype(int)]


def _real(source: SliceSource, operators: OperatorConfig) -> Arrays:
    examples = source.examples(names=True).enumerate()
    batches = examples.map(lambda index, e: {"index": index, **e}).batch(_BATCH)
    arrays = stacked(batches.map(with_structure(operators, source.domain, 0)).as_numpy_iterator())
    return {**arrays, "patient": arrays["patient"].astype(str)}


def _drawn(builder: Any, most: int) -> Arrays:
    stored = builder.as_dataset(split="train", read_config=READ_IN_ORDER).take(most).batch(_BATCH)
    kept = [name for name in _DRAWN if name in builder.info.features]
    return stacked({name: batch[name] for name in kept} for batch in stored.as_numpy_iterator())
