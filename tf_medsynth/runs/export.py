"""A finished run as a SavedModel with named signatures."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from tf_medsynth import runtime
from tf_medsynth.config.base import check
from tf_medsynth.config.families import STAGES
from tf_medsynth.config.generation import GenerationConfig, MemorisationGate
from tf_medsynth.config.study_records import EvaluationRecord
from tf_medsynth.generation import LabelPool
from tf_medsynth.generation.rows import ROWS
from tf_medsynth.runs.certificates import certificates_of
from tf_medsynth.runs.commands import training_commands
from tf_medsynth.runs.generate import label_pool, lesion_gate, training_facts
from tf_medsynth.runs.run_directory import stage_directory
from tf_medsynth.runs.synthesiser import load_synthesiser
from tf_medsynth.saved_model.card import CardFacts
from tf_medsynth.saved_model.encoding import packed_labels
from tf_medsynth.saved_model.record import FORMAT, ModelRecord, check_target
from tf_medsynth.saved_model.signatures import Signatures
from tf_medsynth.saved_model.writing import write_model
from tf_medsynth.version import __version__

_KEPT = "The run and earlier versions are kept: make room and export again."
NO_WARM_UP = "no warm-up records: they need pip install --no-deps tensorflow-serving-api"


@dataclasses.dataclass(frozen=True)
class ExportResult:
    """An exported version."""

    path: Path
    version: int
    model_hash: str
    signatures: list[str]
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**dataclasses.asdict(self), "path": str(self.path)}

    def render(self) -> str:
        """A few lines for a person."""
        lines = [f"model {self.model_hash} -> {self.path}", f"signatures: {', '.join(self.signatures)}"]
        return "\n".join(lines + ([self.note] if self.note else []))


def export(*, run: Path | str, to: Path | str) -> ExportResult:
    """Writes the next version ``TO/<version>/`` of a model: a SavedModel that needs no code of ours.

    Args:
        run: a run with all stages finished, its training data still in place.
        to: the model's folder, e.g. ``saved_models/NAME``; earlier versions stay as they are.

    Raises:
        MedSynthError: an unfinished run, a folder that cannot be written, or a SavedModel whose bits
            are not those of the training code; nothing is left then.
    """
    run, to = runtime.local_path(run, "run"), runtime.local_path(to, "to", literal=True)
    check("a model is exported from a run directory", run.is_dir(), run=str(run))
    check_target(to)
    config = stage_directory(run, "multimodal").config()
    runtime.configure(precision="float32")
    synthesiser = load_synthesiser(run)
    pool = label_pool(run, config)
    settings = GenerationConfig(
        lesion=lesion_gate(run, synthesiser),
        memorisation=MemorisationGate(false_alarm=0.0),  # no scan leaves with a model to compare with
    )
    name = to.resolve().name
    with runtime.disk_errors(to, _KEPT), runtime.record_step(run, "export", {"to": name}):
        labels = packed_labels(pool[number] for number in range(len(pool)))
        signatures = Signatures(
            synthesiser.functions,
            labels,
            pool.lesions.tolist(),
            synthesiser.image_size,
            settings,
            synthesiser.domain,
        )
        record = ModelRecord(
            format=FORMAT,
            package=__version__,
            model_hash=synthesiser.model_hash,
            image_size=synthesiser.image_size,
            rows=ROWS,
            labels=_named(pool),
            settings=settings,
            data={
                "name": config["data"],
                "fingerprint": config["data_fingerprint"],
                "patients": len(config["patients"]),
                **training_facts(run),
            },
            domain=synthesiser.domain,
        )
        facts = CardFacts(_evaluation(run), certificates_of(run), _commands(run, name))
        written = write_model(to.resolve(), signatures, record, facts)
    folder, note = to / written.folder.name, "" if written.warmed else NO_WARM_UP
    return ExportResult(folder, int(folder.name), record.model_hash, written.signatures, note)


def _named(pool: LabelPool) -> dict[str, Any]:
    return {"count": len(pool), "fingerprint": pool.fingerprint}


def _commands(run: Path, name: str) -> list[str]:
    stages = [stage_directory(run, stage) for stage in STAGES]
    return [*training_commands(stages), f"medsynth export --run RUN --to saved_models/{name}"]


def _evaluation(run: Path) -> dict[str, Any]:
    file = run / "evaluation.json"
    remedy = "Remove it, and evaluate the run again."
    return dict(runtime.read_record(file, EvaluationRecord, remedy)) if file.exists() else {}
