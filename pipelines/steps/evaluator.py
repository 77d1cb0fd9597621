"""Evaluator: what the samples are worth, as a page, and whether the model may be pushed."""

from __future__ import annotations

from typing import Any

from pipelines.step import Artifact, pipeline_step


def judge(
    root: str, settings: dict[str, Any], inputs: dict[str, Artifact], outputs: dict[str, Artifact]
) -> bool:
    """Evaluation, verdict, certificates and report of a run."""
    from tf_medsynth.audits.audit import audit_run
    from tf_medsynth.audits.bless import bless
    from tf_medsynth.runs.report import report

    with pipeline_step("evaluator", root, settings, inputs) as step:
        result = bless(
            run=step.run,
            synthetic=inputs["examples"].path,
            unfiltered=inputs["unfiltered"].path,
            config=step.config.blessing,
            seed=step.config.seed,
        )
        page = step.root / "report.html"
        if not (result.skipped and page.exists()):
            audit_run(step.run, inputs["unfiltered"].path, step.config.certificates, step.config.seed)
            report(run=step.run, out=page)
        step.record.skipped = result.skipped
        verdict = result.blessing
        paths = {"evaluation": step.run / "evaluation.json", "report": page, "blessing": result.file}
        for key, artifact in outputs.items():
            step.made(key, artifact, paths[key], result.fingerprint, blessed=verdict.blessed)
        outputs["blessing"].metadata["reasons"] = verdict.reasons
        return verdict.blessed
