"""TFDS builder of `medsynth_synthetic`: the accepted samples of one generation spool, in order."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds

from tf_medsynth.config.base import check
from tf_medsynth.config.domain import Domain
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.runtime import progress
from tf_medsynth.runtime.prepared_sets import check_prepared, open_prepared
from tfds_builders.features import described, label_features, pixels, supervised_keys

SCORES = (
    "contour_mae",
    "lesion_dice",
    "lesion_dice_worst_class",
    "registration_shift_px",
    "training_distance",
)
"""Scores of a sample, float32; NaN where one was not measured."""

_BYTES_A_SHARD = 128 << 20
_EXAMPLES_AT_ONCE = 32


class Builder(tfds.core.GeneratorBasedBuilder):
    """Builds `medsynth_synthetic` from the chunks that ``medsynth generate`` left in its spool.

    Examples are written as they are read: memory stays that of one chunk, and example `n` of the
    split is the `n`-th accepted sample.

    Features of an example, with H, W and the domain of the generating model, of M modalities of C channels:

    - ``images``: `(H, W, M * C)` float32 in [0, 1];
    - ``structure_map``: `(H, W, 1)` uint8, 1 on a line, none under the lesion, as the generator saw it;
      ``background_mask``: `(H, W, 1)` uint8, 1 OUTSIDE the organ; ``lesion_label``: `(H, W, 1)` uint8,
      index into the domain's classes, a PNG so that TFDS can show it; ``label`` where images have one class;
    - ``sample_index`` k and ``seed``, int64, and ``model_hash``: together the sample's name;
    - ``contour_mae``, ``lesion_dice``, ``lesion_dice_worst_class``, ``registration_shift_px``,
      ``training_distance``: float32, NaN where not measured.

    Supervised examples are images and label. They are read in order, shuffled where asked for.

    Args:
        spool: folder of the spool; without it, TFDS's ``manual_dir`` is one.
        count: number of samples to write, all of them without it.
        **kwargs: of every TFDS builder; ``file_format="array_record"`` for `tfds.data_source`.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "First release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = "manual_dir is the spool folder that `medsynth generate` filled."

    def __init__(self, *, spool: str | None = None, count: int | None = None, **kwargs: Any) -> None:
        self._spool = None if spool is None else tfds.core.Path(spool)
        self._count = count
        super().__init__(**kwargs)
        self._original_state |= {"spool": spool, "count": count}

    def _info(self) -> tfds.core.DatasetInfo:
        facts = {} if self._spool is None else _identity(self._spool)
        # Without a spool nothing is known yet: a prepared folder says it itself, and is read as it says.
        domain = Domain.from_dict(facts.pop("domain")) if facts else BRAIN_MRI
        return self.dataset_info_from_configs(
            features=self._features(facts.get("image_size", (None, None)), domain),
            supervised_keys=supervised_keys(domain),
            metadata=described(domain, **_walkable(facts)),
        )

    def _features(self, size: Sequence[int | None], domain: Domain) -> Any:
        """Features as prepared, where they are; else those of images of this `size`."""
        if (self.data_path / "features.json").exists():
            check_prepared(self.data_path)
            return tfds.features.FeaturesDict.from_config(self.data_path)
        rows, columns = size
        return tfds.features.FeaturesDict(
            {
                "images": pixels((rows, columns, domain.image_channels), np.float32),
                "structure_map": pixels((rows, columns, 1), np.uint8),
                "background_mask": pixels((rows, columns, 1), np.uint8),
                **label_features(domain, rows, columns),
                "sample_index": np.int64,
                "seed": np.int64,
                "model_hash": tfds.features.Text(),
                **dict.fromkeys(SCORES, np.float32),
            }
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[tuple[int, dict[str, Any]]]]:
        spool = self._spool if self._spool is not None else tfds.core.Path(dl_manager.manual_dir)
        return {"train": self._generate_examples(spool)}

    def _generate_examples(self, spool: tfds.core.Path) -> Iterator[tuple[int, dict[str, Any]]]:
        identity = _identity(spool)
        name = {"seed": identity["seed"], "model_hash": identity["model_hash"]}
        written = 0
        for path in sorted((spool / "chunks").glob("[0-9]*.npz")):
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                chunk = {key: arrays[key] for key in arrays.files if key != "records"}
            for row in range(len(chunk["sample_index"])):
                if written == self._count:
                    return
                example = {key: values[row] for key, values in chunk.items()}
                yield int(example["sample_index"]), example | name
                written += 1
        check(
            "the spool must hold the samples asked for",
            written > 0 and (self._count is None or written == self._count),
            "Run medsynth generate to the end first.",
            samples=written,
            count=self._count,
        )

    def _generate_splits(self, dl_manager: Any, download_config: Any) -> list[tfds.core.SplitInfo]:
        """Writes record by record: TFDS's own writer gathers a split in memory, up to 1 GiB, first."""
        # Made anew, because `self.info` names the final folder: TFDS renames a temporary one at the end.
        info = self._info()
        info.set_file_format(self.info.file_format)
        for split, examples in self._split_generators(dl_manager).items():
            shown = progress(examples, total=self._count, label="publish", unit="sample")
            some = itertools.islice(shown, download_config.max_examples_per_split)
            writer: tfds.core.SequentialWriter | None = None
            while batch := [example for _, example in itertools.islice(some, _EXAMPLES_AT_ONCE)]:
                if writer is None:
                    writer = _writer(info, split, batch[0])
                writer.add_examples({split: batch})
            if writer is not None:
                writer.close_all()
        return list(info.splits.values())

    def _as_dataset(
        self, split: Any, decoders: Any = None, read_config: Any = None, shuffle_files: bool = False
    ) -> Any:
        """In the order of the samples, several shards too, unless the files shall be shuffled."""
        config = read_config or tfds.ReadConfig()
        if not shuffle_files and config.interleave_cycle_length == tfds.ReadConfig.interleave_cycle_length:
            config = dataclasses.replace(config, interleave_cycle_length=1)
        return super()._as_dataset(split, decoders, config, shuffle_files)

    def as_data_source(self, *args: Any, **kwargs: Any) -> Any:
        """Samples by their number, as TFDS offers them for its ``array_record`` format alone."""
        described = open_prepared(self.data_dir)  # `self.info` forgets a format added later
        held = {form.value for form in described.info.available_file_formats()}
        command = f"tfds convert_format --dataset_version_dir={self.data_dir} --out_file_format=array_record"
        check(
            "samples by number need the array_record format",
            "array_record" in held,
            f"Add it: {command}",
            formats=sorted(held),
        )
        return described.as_data_source(*args, **kwargs)


def _writer(info: tfds.core.DatasetInfo, split: str, example: dict[str, Any]) -> tfds.core.SequentialWriter:
    size = sum(np.asarray(value).nbytes for value in example.values())
    form = "tfrecord" if info.file_format is None else info.file_format.value
    writer = tfds.core.SequentialWriter(info, max(1, _BYTES_A_SHARD // size), file_format=form)
    writer.initialize_splits([split])
    return writer


def _walkable(facts: dict[str, Any]) -> dict[str, Any]:
    """`facts` with numbers as text: `tfds.show_examples` walks through every value of the metadata."""
    return {key: str(value) if isinstance(value, (int, float)) else value for key, value in facts.items()}


def _identity(spool: tfds.core.Path) -> dict[str, Any]:
    """What the spool says it holds: model, seed, image size, domain, labels, settings."""
    path = spool / "spool.json"
    check("a spool folder holds spool.json", path.exists(), "Run medsynth generate first.", spool=str(spool))
    identity: dict[str, Any] = json.loads(path.read_text())["identity"]
    rule = "a spool states the domain of its samples"
    check(rule, "domain" in identity, "Run medsynth generate again.", spool=str(spool))
    return identity
