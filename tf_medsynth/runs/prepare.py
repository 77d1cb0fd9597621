"""The verb `prepare`: a folder of patients becomes a TFDS data set, whole or not at all."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import importlib
import importlib.util
import io
import logging
import math
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tf_medsynth.config.base import check
from tf_medsynth.config.cohorts import CohortSettings, settings_of
from tf_medsynth.config.datasets import SPLITS
from tf_medsynth.config.records import Inputs
from tf_medsynth.runtime import (
    LOCK_NAME,
    Beam,
    alone,
    atomic_path,
    check_memory,
    check_room,
    check_writable,
    disk_errors,
    local_path,
    log,
    read_record,
    settle,
)
from tf_medsynth.runtime.prepared_sets import open_prepared
from tf_medsynth.types import MedSynthError

INPUTS_FILE = "inputs.json"
"""Written by the builder beside the records; see `Cohort.record`."""

LEAST_BYTES_A_VOXEL = 0.1
"""A bound from below, for refusing early: real heads take 0.65 when cropped, 0.3 as whole volumes."""

_SPLIT_WORDS = {name: name for name in SPLITS} | {
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "testing": "test",
}


@dataclasses.dataclass(frozen=True)
class PrepareResult:
    """What `prepare` did.

    Attributes:
        dataset: name to load it by, e.g. ``brats/slices_96``.
        directory: where its records are.
        examples: number of examples in each split.
        patients: names of the patients in each split.
        fingerprint: of settings and files.
        remarks: oddities of the files that do no harm.
        skipped: whether it was there already.
        seconds: wall-clock time.
    """

    dataset: str
    directory: str
    examples: dict[str, int]
    patients: dict[str, list[str]]
    fingerprint: str
    remarks: list[str]
    skipped: bool
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for ``--json``."""
        return dataclasses.asdict(self)

    def render(self) -> str:
        """A few lines for a reader."""
        head = "is there already, from the same files and settings" if self.skipped else "written"
        lines = [f"{self.dataset} {head}: {self.directory} ({self.seconds:.0f} s)"]
        for split, count in self.examples.items():
            names = self.patients[split]
            lines.append(f"  {split}: {count} examples of {len(names)} patients")
        return "\n".join(lines + [f"  note: {remark}" for remark in self.remarks])


def prepare(
    dataset: str,
    *,
    manual_dir: str | os.PathLike[str],
    data_dir: str | os.PathLike[str],
    overrides: Mapping[str, Any] | None = None,
    splits: str | os.PathLike[str] | None = None,
    config_name: str | None = None,
    resume: bool = True,
    beam: Beam | None = None,
) -> PrepareResult:
    """The prepared data set; it is built unless it is there already.

    Every volume is read and checked before anything is written; then one patient is in memory at a
    time. A process that is killed leaves nothing that could be taken for a data set.

    Args:
        dataset: a folder of `tfds_builders` that reads cohorts, e.g. ``"brats"``, or ``"brats/CONFIG"``.
        manual_dir: holds one folder a patient; only read.
        data_dir: where TFDS data sets are kept; made if need be.
        overrides: settings of the data set to change, e.g. of `BratsSettings`, as ``{"size": "80,80"}``. The
            config then has a name of its own, with a hash of the changes, unless `config_name` is given.
            A layout may be a TOML file, see `config.layout_files.read_layout`.
        splits: CSV file with the columns ``patient`` and ``split`` (train, validation or test), of every
            patient: it goes before the hash.
        config_name: name of the config on disk.
        resume: skip what is there already; False builds it anew and replaces it at the end.
        beam: read, check and cut the patients by the workers of a Beam pipeline, to the same bytes;
            none does it in this process.

    Raises:
        MedSynthError: unknown config or key, a file that breaks a rule, other files or settings under
            the same name, an output that cannot be written.
    """
    start = time.perf_counter()
    given = {"splits": _given_splits(local_path(splits, "splits"))} if splits is not None else {}
    name, settings = _named_settings(dataset, {**(overrides or {}), **given}, config_name)
    # A worker of a pipeline has another working directory.
    source, target = local_path(manual_dir, "manual_dir"), local_path(data_dir, "data_dir", literal=True)
    source = source if beam is None else source.absolute()
    check("manual_dir must be a folder", source.is_dir(), manual_dir=str(manual_dir))
    check_writable(target)
    dataset = dataset.partition("/")[0]
    builder = _builder(dataset, name, settings, target / f".partial-{dataset}-{name}")
    _check_example(builder)
    cutting = hasattr(builder, "cut")
    check("workers of Beam can cut volumes only", beam is None or cutting, dataset=dataset)
    cohort = builder.cohort(source)
    final, scratch = target / dataset / name / str(builder.version), Path(builder._data_dir_root)
    skipped = resume and _is_same(final, cohort.fingerprint)
    if skipped:
        log.info("prepare: %s/%s is there already, skipped", dataset, name)
        _finish(final, scratch)
    else:
        check_room(target, len(cohort.patients) * builder.voxels_of_a_patient * LEAST_BYTES_A_VOXEL)
        if scratch.is_dir():  # told before every patient is read
            with _alone(scratch):
                pass
        if beam is None:
            builder.check(cohort)
        with disk_errors(target, "Nothing was kept; free some space or choose another data_dir."):
            _build(builder, cohort, final, beam)
    return _result(name, final, skipped, time.perf_counter() - start)


def datasets() -> list[str]:
    """Names of the data sets that are made of a folder of patients."""
    package = importlib.util.find_spec("tfds_builders")
    places = package.submodule_search_locations if package else None
    return sorted(path.parent.name for place in places or () for path in Path(place).glob("*/cohort.py"))


def _configs(dataset: str) -> tuple[Any, dict[str, Any]]:
    """The builder of a data set, and its configs by name (imported here: it brings TensorFlow with it)."""
    builder = importlib.import_module(f"tfds_builders.{dataset}.{dataset}_dataset_builder").Builder
    return builder, {config.name: config for config in builder.BUILDER_CONFIGS}


def _named_settings(dataset: str, overrides: Mapping[str, Any], config_name: str | None) -> tuple[str, Any]:
    head, _, config = dataset.partition("/")
    known = datasets()
    words = ", ".join(f"{name} or {name}/CONFIG" for name in known)
    check(f"the data set to prepare is {words}", head in known, dataset=dataset)
    configs = {name: one.settings for name, one in _configs(head)[1].items()}
    config = config or next(iter(configs))
    layouts = isinstance(next(iter(configs.values())), CohortSettings)
    more = f"; each also for one layout only, e.g. {list(configs)[-1]}" if layouts else ""
    remedy = f"Known: {', '.join(list(configs)[:6])}{more}."
    check(f"unknown config of the dataset {head}", config in configs, remedy, config=config)
    base = configs[config]
    settings = settings_of(base, overrides) if layouts else base.override(overrides)
    if config_name is None:
        return (config if settings == base else f"{config}_{settings.fingerprint()[:8]}"), settings
    plain = config_name.replace("_", "").isalnum()
    check("config_name holds letters, digits and underscores", plain, config_name=config_name)
    taken = config_name in configs and configs[config_name] != settings
    check("config_name is that of other settings", not taken, "Choose another.", config_name=config_name)
    return config_name, settings


def _given_splits(path: Path) -> tuple[str, ...]:
    """``PATIENT=SPLIT`` of every row of a CSV file, which may separate by semicolons or tabs."""
    check("a file of splits must exist", path.is_file(), splits=str(path))
    try:
        lines = [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError:
        lines = []
    head = lines[0] if lines else ""
    separator = max(",;\t", key=head.count)
    names = [word.strip().strip('"').lower() for word in head.split(separator)]
    check(
        "a file of splits is CSV with the columns patient and split",
        {"patient", "split"} <= set(names),
        "The first line names the columns.",
        splits=str(path),
        first_line=head[:80],
    )
    given = []
    for number, row in enumerate(csv.reader(lines[1:], delimiter=separator), start=2):
        values = dict(zip(names, (word.strip() for word in row), strict=False))
        split = _SPLIT_WORDS.get(values.get("split", "").lower())
        rule = f"a row of splits has a patient and one of {', '.join(SPLITS)}"
        check(rule, bool(values.get("patient")) and split is not None, splits=str(path), line=number, row=row)
        given.append(f"{values['patient']}={split}")
    check("a file of splits names patients", bool(given), splits=str(path))
    return tuple(given)


def _builder(dataset: str, name: str, settings: Any, data_dir: Path) -> Any:
    """The TFDS builder of these settings."""
    builder, configs = _configs(dataset)
    config = configs.get(name) or type(next(iter(configs.values())))(name=name, settings=settings)
    with _quiet():
        return builder(config=config, data_dir=os.fspath(data_dir))


def _is_same(directory: Path, fingerprint: str) -> bool:
    """Whether the data set is there, made from the same files and settings; raises if from others."""
    if not directory.exists():
        return False
    found = _inputs(directory).get("fingerprint") if (directory / INPUTS_FILE).is_file() else None
    check(
        "a prepared data set keeps its settings and files",
        found == fingerprint,
        "Give another --data-dir or config name, or build it anew (resume=False).",
        directory=str(directory),
        fingerprint=found,
        wanted=fingerprint,
    )
    return True


def _build(builder: Any, cohort: Any, final: Path, beam: Beam | None) -> None:
    """Builds in a hidden folder beside the data sets, then moves the result to `final`."""
    import tensorflow_datasets as tfds

    scratch = Path(builder._data_dir_root)
    settings = tfds.download.DownloadConfig(manual_dir=str(cohort.folder), try_download_gcs=False)
    with _held(scratch), _quiet():
        if beam is not None:
            log.info("prepare: %d patients to %s", len(cohort.patients), beam.runner)
            builder.cut(cohort, (scratch / "cut").resolve(), beam)
        builder.download_and_prepare(download_config=settings)
        _check_filled(builder)
        with atomic_path(final, overwrite=True) as partial:
            Path(builder.data_dir).replace(partial)
        _note_default(final, scratch)


def _note_default(final: Path, scratch: Path) -> None:
    """Notes, as TFDS does, which config "brats" alone means: the first that was prepared."""
    default = final.parents[1] / ".config" / "metadata.json"
    made = scratch / final.parents[1].name / ".config" / default.name
    if made.is_file() and not default.exists():
        with atomic_path(default) as partial:
            shutil.copyfile(made, partial)


def _finish(final: Path, scratch: Path) -> None:
    """Ends what a process left undone that was killed when its data set stood there already."""
    if not scratch.is_dir():
        return
    with contextlib.suppress(MedSynthError), _alone(scratch):  # a living one ends it itself
        _note_default(final, scratch)
        settle(final)
        shutil.rmtree(scratch)


@contextlib.contextmanager
def _held(scratch: Path) -> Iterator[None]:
    """An empty folder `scratch` of this process's own, gone at the end.

    What a killed process left in it is removed; a living one is not disturbed.
    """
    with _alone(scratch):
        for left in scratch.iterdir():
            if left.name != LOCK_NAME:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
        try:
            yield
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _alone(scratch: Path) -> contextlib.AbstractContextManager[None]:
    return alone(scratch, "one process at a time prepares a data set")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """TFDS neither prints, logs nor draws bars in this context: progress is told by patient."""
    import tensorflow_datasets as tfds

    speaker = logging.getLogger("absl")
    before = speaker.level
    speaker.setLevel(logging.ERROR)
    tfds.disable_progress_bar()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        tfds.enable_progress_bar()
        speaker.setLevel(before)


def _check_example(builder: Any) -> None:
    """Raises where one example, resized as float32 and stored as int16, cannot be held."""
    shape = builder.info.features["images"].shape
    bytes_needed = 6.0 * math.prod(axis for axis in shape if axis is not None)
    check_memory("an example", bytes_needed, "Lower size or stack_size.", images=shape)


def _check_filled(builder: Any) -> None:
    """Raises where a split has patients, but none of their slices is left."""
    counts = {name: split.num_examples for name, split in builder.info.splits.items()}
    check(
        "every split must hold slices",
        min(counts.values(), default=0) > 0,
        "Lower min_brain_fraction, or widen the ranges.",
        examples=counts,
    )


def _inputs(directory: Path) -> dict[str, Any]:
    return dict(read_record(directory / INPUTS_FILE, Inputs, "Remove the data set and prepare it again."))


def _result(name: str, directory: Path, skipped: bool, seconds: float) -> PrepareResult:
    record = _inputs(directory)
    splits = open_prepared(directory).info.splits
    members = {
        split: sorted(p for p, facts in record["patients"].items() if facts["split"] == split)
        for split in splits
    }
    return PrepareResult(
        dataset=f"{directory.parents[1].name}/{name}",
        directory=str(directory),
        examples={split: int(info.num_examples) for split, info in splits.items()},
        patients=members,
        fingerprint=record["fingerprint"],
        remarks=record["remarks"],
        skipped=skipped,
        seconds=round(seconds, 2),
    )
