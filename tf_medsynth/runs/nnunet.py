"""The verb `nnunet`: any mix of real, synthetic and augmented slices as a raw dataset for nnU-Net v2.

Source: the dataset format of nnU-Net v2, and `splits_final.json` of its page on manual data splits.
Slices are 2-D images: nnU-Net reads such natively. As volumes of one slice it would turn them where
their rows lie further apart than slices do.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tf_medsynth import runtime
from tf_medsynth.config.base import check
from tf_medsynth.config.data import DataSettings
from tf_medsynth.config.domain import Domain
from tf_medsynth.config.persons import split_group
from tf_medsynth.config.studies import AvailabilitySettings, chosen_rows
from tf_medsynth.data.mixing import Pool, amount, pools_of_real
from tf_medsynth.data.patients import check_apart, hashes_of, patient_folds, patient_hash
from tf_medsynth.data.slices import SliceSource, open_slices
from tf_medsynth.imaging.planes import write_plane
from tf_medsynth.runs.origin import origin_of
from tf_medsynth.runs.reading import read_samples
from tf_medsynth.runs.samples import Samples

ENDING = ".nii.gz"
_FOLDS = 5
ORIGINS = ("real", "augmented", "synthetic")
NOTE = (
    "Validation folds hold real patients only, whose augmented copies are nowhere in that fold; synthetic "
    "cases are in the training part of every fold. "
    "The generator may have seen a fold's patients: only the test images tell what synthetic data are worth."
)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclasses.dataclass(frozen=True)
class NnunetResult:
    """A written raw dataset."""

    out: Path
    training: dict[str, int]
    test: int
    folds: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**dataclasses.asdict(self), "out": str(self.out)}

    def render(self) -> str:
        """A few lines for a person."""
        mix = " + ".join(f"{count} {origin}" for origin, count in self.training.items() if count)
        copy = f"nnUNet_preprocessed/{self.out.name}/"
        return (
            f"{mix} training cases, {self.test} test cases -> {self.out}\n"
            f"after nnUNetv2_plan_and_preprocess copy splits_final.json ({self.folds} folds) to {copy}"
        )


def nnunet(
    *,
    out: Path | str,
    real: str | None = None,
    data_dir: Path | str | None = None,
    synthetic: Path | str | None = None,
    row: str | None = None,
    seed: int = 0,
    number: int = 501,
    name: str = "MedSynth",
    folds: int | None = None,
    most: int | None = None,
    spacing: tuple[float, float] = (1.0, 1.0),
    overwrite: bool = False,
) -> NnunetResult:
    """Writes ``OUT/DatasetNNN_Name``, which appears whole or not at all.

    Intensities are in [0, 1], real ones read as the generator read them. Patients are named by their
    hashes. ``cases.json`` tells real cases from synthetic ones.

    Args:
        out: nnU-Net's folder of raw datasets.
        real: prepared dataset; its ``train`` split is trained on, its ``test`` split goes to imagesTs.
        data_dir: where it was prepared.
        synthetic: a generated set, or the run it was generated from.
        row: of the study of availability: exactly the slices that its segmentor of that `seed` is
            trained on (nnU-Net shuffles them: an order of phases is lost). None takes all there are.
        seed: names the real slices that a share keeps, and the augmented copies.
        number: of the dataset, 1 to 999; nnU-Net advises 500 and more for one's own.
        name: of the dataset.
        folds: of the cross-validation, by patient; None takes 5, or as many as there are patients.
        most: synthetic samples, evenly spread over the set; None for all.
        spacing: mm between rows and columns of synthetic slices where there are no real ones, whose
            median they take otherwise, so that nnU-Net scales both alike.
        overwrite: replace a dataset of that name.

    Raises:
        MedSynthError: nothing to write, a row that needs what is not given, bad names, data that do not
            fit together, a generator that knows a test patient, too few patients or samples for folds.
    """
    check(
        "a dataset is made of real slices, synthetic ones or both",
        bool(real or synthetic),
        "Give --real, --synthetic or both.",
        real=real,
        synthetic=synthetic,
    )
    check("real slices are found by --data-dir", not real or data_dir is not None, real=real)
    mix = _row(row, real, synthetic, most) if row else None
    check("number lies in 1 .. 999", 1 <= number <= 999, number=number)
    check(
        "a name is letters, digits and underscores", bool(_NAME.fullmatch(name)), "E.g. MedSynth.", name=name
    )
    check("cross-validation needs at least 2 folds", folds is None or folds >= 2, folds=folds)
    check("seed lies in 0 .. 2^32 - 1", 0 <= seed < 2**32, seed=seed)
    apart = len(spacing) == 2 and all(math.isfinite(step) and step > 0 for step in spacing)
    check("spacing is two distances in mm, above 0", apart, "E.g. --spacing 1,1.", spacing=spacing)
    target = Path(out) / f"Dataset{number:03d}_{name}"
    check(
        "no dataset of that name stands there",
        overwrite or not target.exists(),
        "Pass --overwrite, or choose another --number.",
        out=str(target),
    )
    runtime.check_writable(Path(out))
    samples = read_samples(synthetic, most=most) if synthetic else None
    origin = origin_of(samples) if samples and real else {}
    settings = DataSettings.from_dict(origin["data_settings"]) if origin else DataSettings()
    training, test = _sources(real, data_dir, settings)
    domain = _check_mix(samples, training, test, origin)
    pools = []
    if training is not None:
        pools = pools_of_real(training, training.owners().tolist(), mix or AvailabilitySettings(), seed)
    taken = _taken(samples, mix, training)
    parts_wanted = _folds(folds, pools, taken)
    size = 4 * domain.image_channels + 1
    count = taken + sum(held.count for held in (*pools, test) if held)
    rows, columns = samples.image_size if samples else training.image_size  # type: ignore[union-attr]
    runtime.check_room(Path(out), count * rows * columns * size)
    kept = "Nothing is left of it: make room and run again."
    with runtime.disk_errors(target, kept), runtime.atomic_path(target, overwrite=overwrite) as folder:
        cases = _write(folder, pools, test, samples, taken, spacing)
        parts = _splits(cases, parts_wanted)
        _write_records(folder, name, domain, cases, parts)
    origins = Counter(case["origin"] for case in cases.values() if case["split"] == "train")
    tested = sum(case["split"] == "test" for case in cases.values())
    return NnunetResult(target, {key: origins[key] for key in ORIGINS}, tested, len(parts))


def _folds(folds: int | None, pools: Sequence[Pool], taken: int) -> int:
    """Folds that the real patients can be parted into, or the samples where there are only such."""
    real = [pool for pool in pools if pool.kind == "real"]
    patients = {split_group(name) for pool in real for name in pool.facts["patients"]}
    count, what = (len(patients), "patients") if patients else (taken, "samples")
    check("cross-validation needs at least 2 patients or samples", count >= 2, found=count)
    remedy = f"Pass --folds {count} or less, or give more {what}."
    check(f"there are no more folds than {what}", (folds or 0) <= count, remedy, folds=folds, found=count)
    return folds or min(_FOLDS, count)


def _row(name: str, real: str | None, synthetic: Path | str | None, most: int | None) -> AvailabilitySettings:
    """What a row of the availability study is mixed of."""
    settings = AvailabilitySettings().override(chosen_rows("availability", [name])[0].overrides)
    check("a row's amounts are multiples of the real slices", real is not None, "Give --real.", row=name)
    needs = settings.mix.synthetic > 0
    check("this row needs synthetic slices", bool(synthetic) or not needs, "Give --synthetic.", row=name)
    check("a row says how many synthetic slices there are", most is None, "Leave --most out.", most=most)
    if settings.mix.mixing != "random":
        runtime.log.info("row %s has two phases: nnU-Net shuffles, their order is lost", name)
    return settings


def _taken(
    samples: Samples | None, settings: AvailabilitySettings | None, training: SliceSource | None
) -> int:
    """How many of the samples are written: those of a row, or all."""
    if samples is None or settings is None or training is None:
        return 0 if samples is None else len(samples)
    needed = amount(settings.mix.synthetic, training.count) if settings.mix.synthetic else 0
    held = len(samples)
    check("the synthetic set is too small for this row", held >= needed, needed=needed, held=held)
    return needed


def _sources(
    real: str | None, data_dir: Path | str | None, settings: DataSettings
) -> tuple[SliceSource | None, SliceSource | None]:
    """Training and, where there is one, test slices."""
    if not real or data_dir is None:
        return None, None
    training = open_slices(real, data_dir, "train", settings)
    splits = training.builder.info.splits
    there = "test" in splits and splits["test"].num_examples > 0
    return training, open_slices(real, data_dir, "test", settings) if there else None


def _check_mix(
    samples: Samples | None,
    training: SliceSource | None,
    test: SliceSource | None,
    origin: Mapping[str, Any],
) -> Domain:
    """What the cases show."""
    domain = samples.domain if training is None else training.domain  # type: ignore[union-attr]
    check("nnU-Net learns maps", domain.label.kind in ("classes", "structure"), label=domain.label.kind)
    if samples is not None:
        check("synthetic cases need labels", samples.lesion_label is not None, synthetic=samples.name)
    if samples is None or training is None:
        return domain
    check(
        "real and synthetic slices show the same",
        (samples.domain.channel_names(), samples.domain.label) == (domain.channel_names(), domain.label),
        real=domain.name,
        synthetic=samples.domain.name,
    )
    check(
        "real and synthetic slices have one size",
        samples.image_size == training.image_size,
        real=training.image_size,
        synthetic=samples.image_size,
    )
    check_apart(
        test.patients if test else (),
        hashes_of(origin),
        "no test patient may be known to the generator",
        "Generate from a model of other patients.",
    )
    return domain


def _write(
    folder: Path,
    pools: Sequence[Pool],
    test: SliceSource | None,
    samples: Samples | None,
    taken: int,
    spacing: tuple[float, float],
) -> dict[str, dict[str, Any]]:
    """Images and labels of all cases, and what is known of each, by its name."""
    for word in ("imagesTr", "labelsTr", *(("imagesTs", "labelsTs") if test else ())):
        (folder / word).mkdir(parents=True)
    cases: dict[str, dict[str, Any]] = {}

    def write(ending: str, case: str, facts: dict[str, Any], images: np.ndarray, label: np.ndarray) -> None:
        check("every case has a name of its own", case not in cases, case=case)
        cases[case] = facts
        _write_case(folder, ending, case, images, label, facts)

    held = [(pool, "train") for pool in pools]
    held += [(Pool("real", test.count, test.stored, test.normalised, {}), test.split)] if test else []
    for pool, split in held:
        words = f"{pool.kind} {split}"
        for found in runtime.progress(_cases(pool, split), total=pool.count, label=words, unit="case"):
            write("Tr" if split == "train" else "Ts", *found)
    if samples is not None and samples.lesion_label is not None and taken:
        planes = [case["spacing"] for case in cases.values()] or [spacing]
        facts = {"origin": "synthetic", "split": "train", "origin_mm": [0.0, 0.0]}
        facts["spacing"] = [float(value) for value in np.median(planes, axis=0)]
        rows = itertools.islice(zip(samples.keys, samples.images, samples.lesion_label, strict=True), taken)
        for key, images, label in runtime.progress(rows, total=taken, label="synthetic", unit="case"):
            write("Tr", f"synthetic_{str(key)[-8:]}", dict(facts), images, label)
    return cases


def _cases(pool: Pool, split: str) -> Iterator[tuple[str, dict[str, Any], np.ndarray, np.ndarray]]:
    """Case, facts, images `(H, W, M)` float32 and label `(H, W)` uint8 of every slice."""
    placed = ("patient", "slice_index", "spacing", "origin")
    shown = pool.stored().map(lambda e: {**pool.finish(e), **{key: e[key] for key in placed}})
    for copy, example in enumerate(shown.as_numpy_iterator()):
        patient, number = patient_hash(example["patient"].decode()), int(example["slice_index"])
        facts = {
            "origin": pool.kind,
            "split": split,
            "patient": patient,
            "slice_index": number,
            "spacing": [float(value) for value in example["spacing"][1:]],
            "origin_mm": [float(value) for value in example["origin"][1::-1]],
        }
        label = example["lesion_label"][..., 0].astype(np.uint8)
        own = f"{patient[:12]}_{number:03d}" if pool.kind == "real" else f"{copy:08d}"
        yield f"{pool.kind}_{own}", facts, example["images"], label


def _write_case(
    folder: Path, ending: str, case: str, images: np.ndarray, label: np.ndarray, facts: Mapping[str, Any]
) -> None:
    place = facts["spacing"], facts["origin_mm"]
    for channel in range(images.shape[-1]):
        pixels = np.ascontiguousarray(images[..., channel], np.float32)
        write_plane(pixels, folder / f"images{ending}" / f"{case}_{channel:04d}{ENDING}", *place)
    write_plane(np.ascontiguousarray(label), folder / f"labels{ending}" / f"{case}{ENDING}", *place)


def _splits(cases: Mapping[str, Mapping[str, Any]], folds: int) -> list[dict[str, list[str]]]:
    """Folds of real patients, or of synthetic samples where there are only such."""
    trained = {case: facts for case, facts in cases.items() if facts["split"] == "train"}
    owner = {case: facts["patient"] for case, facts in trained.items() if facts["origin"] == "real"}
    owner = owner or {case: case for case in trained}
    answer = []
    for fold in patient_folds(owner.values(), folds):
        patients = set(fold)
        left_out = {case for case, name in owner.items() if name in patients}
        theirs = {case for case, facts in trained.items() if facts.get("patient") in patients}
        answer.append({"train": sorted(set(trained) - left_out - theirs), "val": sorted(left_out)})
    return answer


def _write_records(
    folder: Path,
    name: str,
    domain: Domain,
    cases: Mapping[str, Any],
    splits: Sequence[Mapping[str, list[str]]],
) -> None:
    training = sum(case["split"] == "train" for case in cases.values())
    dataset = {
        "channel_names": {str(number): channel for number, channel in enumerate(domain.channel_names())},
        "labels": {word: code for code, word in enumerate(domain.label.classes)},
        "numTraining": training,
        "file_ending": ENDING,
        "overwrite_image_reader_writer": "SimpleITKIO",
        "name": name,
        "description": NOTE,
    }
    runtime.write_json(folder / "dataset.json", dataset)
    runtime.write_json(folder / "cases.json", cases)
    (folder / "splits_final.json").write_text(runtime.json_text(splits, indent=2) + "\n", encoding="utf-8")
