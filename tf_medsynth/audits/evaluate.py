"""What synthetic samples are worth, measured against real patients: of a run, or of any two sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tf_medsynth import runtime
from tf_medsynth.audits import measured as sets
from tf_medsynth.audits.measured import Measured
from tf_medsynth.audits.metric_groups import GROUPS, Task
from tf_medsynth.config.base import check, fingerprint
from tf_medsynth.config.domain import Domain
from tf_medsynth.config.evaluation import METRICS, EvaluationSettings
from tf_medsynth.config.persons import split_group
from tf_medsynth.config.study_records import EvaluationRecord
from tf_medsynth.evaluation.features import open_extractor
from tf_medsynth.evaluation.registration import NOTHING
from tf_medsynth.reports.tables import as_markdown, evaluation_tables
from tf_medsynth.runs.restore import load_stage
from tf_medsynth.runs.run_directory import StageDirectory, stage_directory
from tf_medsynth.runs.synthesiser import load_synthesiser
from tf_medsynth.stages.guides import LesionStage

FILE = "evaluation.json"
_MAPS = ("classes", "structure")
"""Kinds of labels that a segmentor finds."""


class Evaluation(dict[str, Any]):
    """The answer of `evaluate`: a dictionary of plain values that can show itself as tables."""

    def render(self) -> str:
        """The tables as Markdown."""
        return "\n\n".join(map(as_markdown, evaluation_tables(self)))


def evaluate(
    *,
    run: Path | str | None = None,
    data: str | None = None,
    data_dir: Path | str | None = None,
    synthetic: Path | str | None = None,
    judge: Path | str | None = None,
    metrics: Sequence[str] | None = None,
    features: Path | str | None = None,
    feature_range: Sequence[float] | None = None,
    feature_architecture: str | None = None,
    seed: int = 0,
    preset: str = "tiny",
    overrides: Mapping[str, Any] | None = None,
) -> Evaluation:
    """A synthetic data set beside the real patients of a run, or of a prepared data set.

    Args:
        run: finished run; its networks also draw the real patients' own maps again.
        data: in place of `run`: prepared data set, e.g. ``brats/slices_96``; no network is loaded.
        data_dir: where `data` was prepared.
        synthetic: data_dir that `generate` published to in the ``tfds`` format; unfiltered
            samples, or the answer flatters. None takes ``RUN/unfiltered``.
        judge: folder of a finished lesion stage (scheme ``stacked``) that shares neither seed nor
            patients with the run's guides; without one, lesions are not judged.
        metrics: names of `METRICS`; None takes all that what is given allows.
        features: frozen extractor, a ``.keras`` or ``.h5`` file or SavedModel folder; see
            `evaluation.features.open_extractor`. Without one, distributions are not compared.
        feature_range: its input range, where no record beside it says so.
        feature_architecture: of an ``.h5`` file of weights alone.
        seed: of the classifier, the pairs, the halves and the renderings on real maps.
        preset: with `data`: whose ``data`` settings make the stored intensities images in [0, 1].
        overrides: settings of `EvaluationSettings` by dotted key; with `data` also ``data.key``.

    Returns:
        A table each under ``structure`` and ``quality`` (beside the test patients), both again as
        ``…_all_patients`` (beside everyone), ``registration``, ``realism``, ``diversity`` and, where
        asked for, ``lesion`` and ``distribution``. Also written to ``RUN/evaluation.json``, or
        ``SYNTHETIC/evaluation.json``; groups that stand there for the same sets and seed stay.

    Raises:
        MedSynthError: unknown metrics, metrics that need what is not given, an unreadable extractor,
            a judge that shares patients or seed with the guides or patients with the test, images of
            other sizes.
    """
    chosen = _chosen(metrics, judge, features, _way_to_a_judge(run, data, data_dir, preset))
    real = sets.real_data(run, data, data_dir, preset, overrides)
    settings = EvaluationSettings().override(sets.without_data(overrides))
    extractor = None
    if features and "distribution" in chosen:
        extractor = open_extractor(features, feature_range, feature_architecture)
    runtime.configure(seed=seed, precision="float32")
    folder, samples = _places(run, synthetic)
    runtime.check_new_file(folder / FILE, "evaluation")
    both = sets.measured(real, samples, settings.samples)
    if extractor is not None:
        extractor.sees(both.domain.channel_names())
    segmentor = None
    if judge and "lesion" in chosen:
        segmentor = _judge(Path(run), Path(judge)) if run else _judge_of_data(Path(judge), both)
    synthesiser = load_synthesiser(Path(run)) if run else None
    task = Task(both, synthesiser, segmentor, extractor, settings, seed)
    answer: dict[str, Any] = {
        "samples": both.samples,
        "measured": fingerprint(both.name, seed, settings.to_dict()),
    }
    chosen = tuple(group for group in chosen if _possible(group, both.domain))
    for group in runtime.progress(chosen, label="evaluation", unit="group"):
        answer |= GROUPS[group](task)
    whole = Evaluation(_kept(folder / FILE, answer["measured"]) | answer)
    runtime.write_json(folder / FILE, whole)
    return whole


def _chosen(
    metrics: Sequence[str] | None, judge: Path | str | None, features: Path | str | None, how: str
) -> tuple[str, ...]:
    """The groups to measure, in the order of `METRICS`; `how` is the way to a judge."""
    given = {
        "lesion": (judge, "--judge DIR", how),
        "distribution": (
            features,
            "--features FILE",
            "Train one by adding --train-features FILE.keras, or give your own file.",
        ),
    }
    missing = {name: needs for name, (value, *needs) in given.items() if value is None}
    if metrics is None:
        for name, (option, remedy) in missing.items():
            runtime.log.info("%s is left out, which needs %s. %s", name, option, remedy)
        return tuple(name for name in METRICS if name not in missing)
    unknown = sorted(set(metrics) - set(METRICS))
    check("unknown metrics", not unknown and bool(metrics), f"Known: {', '.join(METRICS)}.", metrics=unknown)
    for name, (option, remedy) in missing.items():
        check(f"metric {name!r} needs {option}", name not in metrics, remedy, metrics=list(metrics))
    return tuple(name for name in METRICS if name in metrics)


def _possible(group: str, domain: Domain) -> bool:
    """Whether data of `domain` have what `group` measures; says why where they have not."""
    why = ""
    if group == "registration" and domain.num_modalities == 1:
        why = NOTHING
    if group == "lesion" and domain.label.kind not in _MAPS:
        why = f"a label of kind {domain.label.kind} is no map"
    if why:
        runtime.log.info("%s is left out: %s", group, why)
    return not why


def _way_to_a_judge(
    run: Path | str | None, data: str | None, data_dir: Path | str | None, preset: str
) -> str:
    """The command that trains a judge who may judge here, or what to do where nobody may."""
    known: dict[str, Any] = {"data": data, "data_dir": data_dir, "preset": preset}
    folds, seed = "", 1
    if run is not None:
        guides = stage_directory(run, "lesion")
        if not (guides.path / "config.json").exists():
            return "Train stage lesion with --set scheme=stacked, on patients whom the guides do not know."
        known = guides.config()
        own = known["settings"]
        if own["folds"] == 1:
            audit = f"medsynth audit lesion {Path(run) / 'unfiltered'} --against {known['data']}"
            return (
                "The guides know every training patient, so no judge may be trained on them: "
                f"{audit} --data-dir {known['data_dir']} trains judges on the test patients. Or train the "
                "guides of a new run with --set folds=2 fold=0, and its judge with folds=2 fold=1."
            )
        folds, seed = f" folds={own['folds']} fold={(own['fold'] + 1) % own['folds']}", known["seed"] + 1
    return (
        f"Train one: medsynth train lesion --data {known['data']} --data-dir {known['data_dir']} "
        f"--run judge --preset {known.get('preset', 'NAME')} --seed {seed} --set scheme=stacked{folds}, "
        "then --judge judge/lesion"
    )


def _places(run: Path | str | None, synthetic: Path | str | None) -> tuple[Path, Path]:
    """Where the answer goes, and where the samples are."""
    if run is None:
        check("data needs a synthetic set", synthetic is not None, "Pass --synthetic DIR.")
        return Path(str(synthetic)), Path(str(synthetic))
    samples = Path(synthetic) if synthetic is not None else Path(run) / "unfiltered"
    check(
        "a run's evaluation needs its unfiltered samples",
        samples.is_dir(),
        f"Draw them: medsynth generate --run {run} --no-filter --count 1000 --out {samples}",
        synthetic=str(samples),
    )
    return Path(run), samples


def _kept(file: Path, name: str) -> dict[str, Any]:
    """What an earlier evaluation of the same sets, settings and seed found."""
    if not file.exists() or runtime.read_json(file, "Remove it.").get("measured") != name:
        return {}
    return dict(runtime.read_record(file, EvaluationRecord, "Remove it."))


def _judge(run: Path, folder: Path) -> LesionStage:
    guides, judge = stage_directory(run, "lesion").config(), StageDirectory(folder).config()
    shared = _same_persons(judge["patients"], guides["patients"])
    check(
        "the judge may share neither patients nor seed with the guides",
        not shared and guides["seed"] != judge["seed"],
        "Train guides and judge on different folds (--set folds=2 fold=0 and fold=1) and seeds.",
        shared_patients=shared,
        seeds=(guides["seed"], judge["seed"]),
    )
    return _stacked(folder)


def _judge_of_data(folder: Path, both: Measured) -> LesionStage:
    tests = both.sources["test"].patients
    shared = _same_persons(StageDirectory(folder).config()["patients"], tests)
    check(
        "the judge may not know the test patients",
        not shared,
        "Train it on the training patients.",
        shared_patients=shared,
    )
    return _stacked(folder)


def _same_persons(names: Iterable[str], others: Iterable[str]) -> list[str]:
    """Those of `names` who are a person of `others`, under whichever name."""
    persons = {split_group(name) for name in others}
    return sorted(name for name in set(names) if split_group(name) in persons)


def _stacked(folder: Path) -> LesionStage:
    stage = load_stage(StageDirectory(folder))
    assert isinstance(stage, LesionStage)
    check(
        "a judge sees all modalities",
        stage.settings.scheme == "stacked",
        "Train it with scheme=stacked.",
        scheme=stage.settings.scheme,
    )
    return stage
