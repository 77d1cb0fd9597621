"""ExampleGen: patients become a TFDS data set, split by patient."""

from __future__ import annotations

from typing import Any

from pipelines.step import Artifact, pipeline_step


def prepare_examples(root: str, manual_dir: str, settings: dict[str, Any], examples: Artifact) -> None:
    """Phantom cohort where no folder is given, doctor, prepare."""
    from tf_medsynth.cohorts.doctor import doctor
    from tf_medsynth.config.base import check, fingerprint
    from tf_medsynth.config.cohorts import cohort_part
    from tf_medsynth.phantoms import phantom
    from tf_medsynth.runs.prepare import prepare
    from tf_medsynth.runtime import record_step, write_json

    with pipeline_step("example-gen", root, settings, {}, {"manual_dir": manual_dir}) as step:
        config, cohort = step.config, step.root / "cohort"
        if not manual_dir:
            with record_step(step.run, "phantom", config.phantom.to_dict()):
                phantom(**config.phantom.to_dict(), seed=config.seed, out=cohort)
        patients = manual_dir or str(cohort)
        diagnosis_file = step.root / "doctor.json"
        if not diagnosis_file.exists():
            with record_step(step.run, "doctor"):
                diagnosis = doctor(patients, overrides=cohort_part(config.prepare))
            check(
                "the patients must be usable",
                diagnosis.exit_status < 2,
                f"See medsynth doctor {patients}",
                patients=patients,
            )
            write_json(diagnosis_file, diagnosis.to_dict())
        with record_step(step.run, "prepare", {"data": config.data}):
            made = prepare(
                config.data, manual_dir=patients, data_dir=step.root / "data", overrides=config.prepare
            )
        step.record.skipped = made.skipped
        step.record.read("patients", manual_dir or cohort.name, fingerprint(made.patients))
        place = step.root / "data" / made.dataset
        step.made("examples", examples, place, made.fingerprint, data=made.dataset, slices=made.examples)
