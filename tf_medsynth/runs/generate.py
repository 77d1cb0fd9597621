"""A run's synthetic dataset: draw, gate, record, publish."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np

from tf_medsynth import generation, runtime
from tf_medsynth.config.base import check, fingerprint
from tf_medsynth.config.data import DataSettings
from tf_medsynth.config.families import STAGES
from tf_medsynth.config.families.lesion import LesionSettings
from tf_medsynth.config.generation import GenerationConfig, LesionGate, SampleFormat
from tf_medsynth.config.persons import split_group
from tf_medsynth.config.records import Ceiling
from tf_medsynth.data.draws import GENERATION
from tf_medsynth.data.patients import left_out_patients, patient_hashes, person_hashes
from tf_medsynth.data.slices import SliceSource, open_slices
from tf_medsynth.generation import LabelPool, Synthesiser, TrainingReference
from tf_medsynth.generation.provenance import Provenance
from tf_medsynth.metrics.arrays import known_mean
from tf_medsynth.metrics.overlap import dice_per_class, whole_lesion_dice
from tf_medsynth.runs.certificates import certificates_of
from tf_medsynth.runs.run_directory import StageDirectory, stage_directory
from tf_medsynth.runs.synthesiser import load_synthesiser
from tf_medsynth.runs.training_reference import training_reference
from tf_medsynth.saved_model.synthesiser import model_labels, model_synthesiser

TRAINING_FACTS = ("name", "fingerprint", "patients", "patient_hashes", "person_hashes", "data_settings")
"""Keys of `training_facts`, which a model's record and a data set's summary keep."""

_CEILING_FACTOR = 0.9
_CLASS_PIXELS = 10
_BATCH = 32
_BY_HAND = "Or set lesion.whole_threshold and lesion.class_threshold."


@dataclasses.dataclass(frozen=True)
class GenerateResult:
    """A published dataset; `skipped` where it was there already."""

    out: Path
    summary: dict[str, Any]
    skipped: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"out": str(self.out), "skipped": self.skipped, **self.summary}

    def render(self) -> str:
        """A few lines for a person."""
        facts = self.summary
        rejected = ", ".join(f"{reason} {n}" for reason, n in facts["rejected"].items() if n)
        rate = 100 * facts["acceptance_rate"]
        lines = [f"{facts['count']} samples of {facts['candidates']} candidates ({rate:.0f} %) -> {self.out}"]
        return "\n".join(lines + ([f"rejected: {rejected}"] if rejected else []))


def generate(
    *,
    run: Path | str | None = None,
    model: Path | str | None = None,
    count: int,
    seed: int = 0,
    out: Path | str,
    filter: bool = True,
    labels: str = "augmented",
    format: SampleFormat = "tfds",
    resume: bool = False,
    overrides: Mapping[str, Any] | None = None,
    beam: runtime.Beam | None = None,
) -> GenerateResult:
    """Draws `count` accepted samples of a finished run, or of a model exported from it, and publishes them.

    Both draw the same candidates; only a run knows the training slices, and rejects their copies. What
    `out` holds already is not made again.

    Args:
        run: a run with all stages finished.
        model: instead of a run, ``saved_models/NAME``, one version in it, or the name of a model that
            comes along.
        count: accepted samples.
        seed: with a sample's number k and the weights it names the sample.
        out: the dataset's folder; for ``tfds`` a data_dir that holds ``medsynth_synthetic``.
        filter: apply the gates; without it everything with a fitting label is kept, scores recorded.
        labels: training labels as they are (``dataset``) or ``augmented``.
        format: ``tfds``, ``nifti`` or ``mha``.
        resume: go on with a stopped generation of the same settings; a finished one is skipped.
        overrides: settings of `GenerationConfig` by dotted key. Without lesion thresholds they are
            0.9 of what the guides reach on the training patients that stage L left out.
        beam: draw by the workers of a Beam pipeline, to the same bytes; none draws in this process.

    Raises:
        MedSynthError: before any work: an unfinished run, an unusable model, bad arguments or `out`;
            later: too few candidates accepted.
    """
    out = runtime.local_path(out, "out", literal=format == "tfds")
    check("count must be at least 1", count >= 1, count=count)
    check("samples come from a run or from a model", (run is None) != (model is None), run=run, model=model)
    check("seed lies in 0 .. 2^32 - 1", 0 <= seed < 2**32, seed=seed)
    formats = get_args(SampleFormat)
    check(f"format is one of {', '.join(formats)}", format in formats, format=format)
    settings = GenerationConfig().override({"labels": labels, "filter": filter, **(overrides or {})})
    check(
        "copies can be looked for only where the training slices are",
        model is None
        or not any(key.startswith("memorisation") for key in overrides or {})
        or not settings.memorisation.false_alarm,
        "Generate from the run, or leave this setting out.",
        **{"memorisation.false_alarm": settings.memorisation.false_alarm},
    )
    generation.check_output(out)
    spool = out.parent / f".spool-{out.name}"
    check(
        "an unfinished generation stands here",
        resume or not spool.exists(),
        "Pass --resume to go on, or remove it.",
        spool=str(spool),
    )
    check(
        "a model draws what it was exported for",
        model is None or settings.purpose == GENERATION,
        "Generate from the run, or leave purpose out.",
        purpose=settings.purpose,
    )
    source = _of_run(Path(run), seed, settings.purpose) if run is not None else _of_model(Path(str(model)))
    if settings.filter and not any(key.startswith("lesion") for key in overrides or {}):
        settings = dataclasses.replace(settings, lesion=_told(source.gate()))
    settings, reference = _copies_kept_out(settings, source)
    identity = generation.identity_of(source.synthesiser, source.pool, settings, seed, reference)
    there = generation.find_published(out, identity, count, format)
    if there is not None:
        runtime.log.info("generate: %s holds these samples already, skipped", out)
        return _close(run, out, spool, there, skipped=True)
    empty = not out.is_dir() or not any(out.iterdir())
    check("--out holds another generated set", empty, "Choose another, or remove it.", out=str(out))
    fill = None
    if beam is not None:
        fill = functools.partial(
            generation.fill,
            beam=beam,
            load=source.load,
            settings=settings,
            seed=seed,
            count=count,
            reference=reference,
        )
    with source.recorded({"count": count, "seed": seed}) as facts:
        filled = generation.stream(
            source.synthesiser, source.pool, settings, seed, count, spool, fill=fill, reference=reference
        )
        words = f"--count {count} --seed {seed} --labels {labels} --format {format}"
        command = f"medsynth generate {source.words} {words}{_changes(filter, overrides)}"
        provenance = Provenance(command, source.training, certificates_of(run))
        summary = generation.publish(filled, out, format, count, provenance=provenance)
        facts["candidates"] = summary["candidates"]
    return _close(run, out, spool, summary)


def _copies_kept_out(
    settings: GenerationConfig, source: _Source
) -> tuple[GenerationConfig, TrainingReference | None]:
    """Settings and reference of the memorisation gate; a model, which holds no scans, has it off."""
    if source.reference is None:
        return settings.override({"memorisation.false_alarm": 0.0}), None
    rate = settings.memorisation.false_alarm
    return settings, source.reference(rate) if settings.measure and rate else None


def _changes(filter: bool, overrides: Mapping[str, Any] | None) -> str:
    """The words of a command that its settings need."""
    changed = " ".join(f"{key}={value}" for key, value in (overrides or {}).items())
    return ("" if filter else " --no-filter") + (f" --set {changed}" if changed else "")


def _close(
    run: Path | str | None, out: Path, spool: Path, summary: dict[str, Any], skipped: bool = False
) -> GenerateResult:
    """Notes in the run where its samples are; a run killed before this comes here when it is called again."""
    if run is not None:
        runtime.write_json(Path(run) / "generated.json", {"out": str(out.resolve()), "summary": summary})
    shutil.rmtree(spool, ignore_errors=True)
    if skipped:
        runtime.settle(out)
    return GenerateResult(out, summary, skipped)


class _Source(NamedTuple):
    """What samples are drawn from."""

    synthesiser: Synthesiser
    pool: LabelPool
    gate: Callable[[], LesionGate]
    reference: Callable[[float], TrainingReference] | None
    load: Callable[[], tuple[Synthesiser, LabelPool]]
    words: str
    training: dict[str, Any]
    recorded: Callable[[dict[str, Any]], contextlib.AbstractContextManager[dict[str, Any]]]


def _of_run(run: Path, seed: int, purpose: str) -> _Source:
    config = stage_directory(run, "multimodal").config()
    runtime.configure(seed=seed, precision="float32")
    synthesiser = load_synthesiser(run, purpose)
    gate = functools.partial(lesion_gate, run, synthesiser)
    recorded = functools.partial(runtime.record_step, run, "generate")
    load = functools.partial(load_run, run.resolve(), seed, purpose)
    reference, training = functools.partial(_reference, run, config), training_facts(run)
    labels = label_pool(run, config)
    return _Source(synthesiser, labels, gate, reference, load, "--run RUN", training, recorded)


def _of_model(model: Path) -> _Source:
    synthesiser, opened = model_synthesiser(model)
    gate, load = opened.record.settings.lesion, functools.partial(load_model, opened.folder.resolve())
    words, data = f"--from {model.name}", opened.record.data
    training = {key: data[key] for key in TRAINING_FACTS if key in data}
    labels = model_labels(opened)
    return _Source(synthesiser, labels, lambda: gate, None, load, words, training, contextlib.nullcontext)


def training_facts(run: Path) -> dict[str, Any]:
    """What a run's samples say of its training data: patients by their hashes, and how intensities were read.

    Patients of every finished stage count: a guide passes on what it saw.
    """
    configs = [stage_directory(run, name).config() for name in STAGES]
    patients = {name for config in configs for name in config["patients"]}
    return {
        "name": configs[-1]["data"],
        "fingerprint": configs[-1]["data_fingerprint"],
        "patients": len(configs[-1]["patients"]),
        "patient_hashes": patient_hashes(patients),
        "person_hashes": person_hashes(patients),
        "data_settings": configs[-1]["data_settings"],
    }


def _reference(run: Path, config: Mapping[str, Any], false_alarm: float) -> TrainingReference:
    """The run's training slices, with the threshold that they themselves give."""
    training = source_of(config, "train")
    check(
        "what a copy is can be told by two training patients or more, who are different persons",
        len({split_group(name) for name in training.patients}) > 1,
        "Train on more, or set memorisation.false_alarm=0.",
        patients=training.patients,
    )
    return training_reference(run, training, false_alarm)


@functools.cache
def load_run(run: Path, seed: int, purpose: str = GENERATION) -> tuple[Synthesiser, LabelPool]:
    """What a worker of a pipeline draws with, loaded once a process."""
    runtime.configure(seed=seed, precision="float32")
    return load_synthesiser(run, purpose), label_pool(run, stage_directory(run, "multimodal").config())


@functools.cache
def load_model(model: Path) -> tuple[Synthesiser, LabelPool]:
    """As `load_run`, from an exported model."""
    synthesiser, opened = model_synthesiser(model)
    return synthesiser, model_labels(opened)


def label_pool(run: Path, config: Mapping[str, Any]) -> LabelPool:
    """The lesion labels of the run's training slices, the empty ones too, packed once into the run.

    So a sample shows no lesion as often as a training slice does. What is trained on samples that all
    show one finds lesions everywhere.
    """
    source = source_of(config, "train")
    path = run / f"all-labels-{source.fingerprint}.npy"
    if path.exists():
        return LabelPool.open(path)
    labels = (e["lesion_label"] for e in source.examples().as_numpy_iterator())
    return LabelPool.build(labels, path, source.domain.num_classes, keep_empty=True)


def source_of(config: Mapping[str, Any], split: str) -> SliceSource:
    """The slices a stage was trained on, or another split of them."""
    settings = DataSettings.from_dict(config["data_settings"])
    return open_slices(config["data"], config["data_dir"], split, settings)


def guide_ceiling(run: Path, synthesiser: Synthesiser) -> dict[str, float]:
    """What the guides reach on real slices they never saw: whole-lesion Dice, and Dice of the worst class.

    Means over modalities and slices that show the lesion or the class; kept in the run. The slices are
    those of training patients whom stage L left out (`LesionSettings.held_out`). Guides do better on
    patients that they were trained on; and a gate set by test patients chooses the samples that suit them.
    """
    directory: StageDirectory = stage_directory(run, "lesion")
    config = directory.config()
    heldout = _unseen_by_guides(config)
    file, name = directory.path / "ceiling.json", fingerprint(config["fingerprint"], heldout.patients)
    if file.exists():
        kept = runtime.read_record(file, Ceiling, "Remove it.")
        if kept["stage"] == name:
            return {"whole": kept["whole"], "per_class": kept["per_class"]}
    whole: list[np.ndarray] = []
    classes: list[np.ndarray] = []
    count = heldout.domain.num_classes
    for images, label in _batches(heldout):
        found = synthesiser.segment(images)
        for m in range(found.shape[-1]):
            whole.append(whole_lesion_dice(found[..., m], label[..., 0], count))
            classes.append(dice_per_class(found[..., m], label[..., 0], count))
    by_class = np.concatenate(classes).T
    check(
        "the lesion gate is relative to what the guides reach on patients left out, who must show a lesion",
        not np.isnan(np.concatenate(whole)).all(),
        _BY_HAND,
        patients=heldout.patients,
    )
    seen = [known_mean(scores) for scores in by_class if not np.isnan(scores).all()]
    ceiling = {"whole": known_mean(np.concatenate(whole)), "per_class": min(seen, default=0.0)}
    runtime.write_json(file, {**ceiling, "stage": name})
    return ceiling


def _unseen_by_guides(config: Mapping[str, Any]) -> SliceSource:
    """Slices of the training patients whom stage L left out."""
    source = source_of(config, "train")
    left_out = left_out_patients(source.patients, LesionSettings.from_dict(config["settings"]))
    unseen = [name for name in left_out if name not in config["patients"]]
    check(
        "the lesion gate is set by training patients whom the guides never saw",
        bool(unseen),
        f"Train stage lesion again, on two patients or more, with held_out above 0. {_BY_HAND}",
        patients=source.patients,
        held_out=config["settings"].get("held_out"),
    )
    return open_slices(config["data"], config["data_dir"], "train", source.settings, patients=unseen)


def _batches(source: SliceSource) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for batch in source.examples().batch(_BATCH).as_numpy_iterator():
        yield batch["images"], batch["lesion_label"]


def lesion_gate(run: Path, synthesiser: Synthesiser) -> LesionGate:
    """The lesion gate at 0.9 of what the run's guides reach on training patients left out of theirs."""
    ceiling = guide_ceiling(run, synthesiser)
    gate = LesionGate.relative_to(ceiling["whole"], ceiling["per_class"], _CEILING_FACTOR)
    return dataclasses.replace(gate, class_pixels=_CLASS_PIXELS)


def _told(gate: LesionGate) -> LesionGate:
    runtime.log.info(
        "lesion gate at %.1f of the guides' Dice on patients left out: whole %.3f, class %.3f",
        _CEILING_FACTOR, gate.whole_threshold, gate.class_threshold,
    )  # fmt: skip
    return gate
