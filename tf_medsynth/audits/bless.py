"""Evaluation and verdict of a finished run, in one file that the next step can ask."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tf_medsynth.audits.evaluate import evaluate
from tf_medsynth.config.base import check, fingerprint
from tf_medsynth.config.bounds import BlessingConfig
from tf_medsynth.config.records import BlessingRecord, SetSummary
from tf_medsynth.evaluation import blessing
from tf_medsynth.generation.publishing import SUMMARY_NAME, data_set_name
from tf_medsynth.runtime import read_record, record_step, write_json

_REMEDY = "Generate the data set again."


@dataclasses.dataclass(frozen=True)
class BlessResult:
    """A verdict and where it stands.

    Attributes:
        file: for `evaluation.blessing.require_blessing`.
        blessing: the verdict.
        fingerprint: of the samples, the bounds and the seed.
        skipped: whether it was there already.
    """

    file: Path
    blessing: blessing.Blessing
    fingerprint: str
    skipped: bool


def bless(
    *,
    run: Path | str,
    synthetic: Path | str,
    unfiltered: Path | str,
    config: BlessingConfig | None = None,
    seed: int = 0,
) -> BlessResult:
    """Evaluates the unfiltered samples of a run, decides, and writes ``RUN/blessing.json``.

    Args:
        run: finished run.
        synthetic: data set that `generate` published from it.
        unfiltered: the same without gates, for the evaluation.
        config: the bounds.
        seed: of the evaluation.

    Raises:
        MedSynthError: unreadable data sets, or data sets of different models.
    """
    run, config = Path(run), config or BlessingConfig()
    files = [Path(folder) / SUMMARY_NAME for folder in (synthetic, unfiltered)]
    summaries = [read_record(file, SetSummary, _REMEDY) for file in files]
    models = [summary["model_hash"] for summary in summaries]
    check("both data sets are of one model", models[0] == models[1] != "", _REMEDY, models=models)
    name = fingerprint(*map(data_set_name, summaries), config.to_dict(), seed)
    file = run / "blessing.json"
    if file.exists() and read_record(file, BlessingRecord, "Remove the file.").get("fingerprint") == name:
        return BlessResult(file, blessing.read_blessing(file), name, True)
    with record_step(run, "evaluate", {"samples": summaries[1]["count"]}):
        evaluation = evaluate(run=run, synthetic=unfiltered, seed=seed)
    verdict = blessing.bless(evaluation, summaries[0], config, models[0])
    write_json(file, {**verdict.to_dict(), "config": config.to_dict(), "fingerprint": name})
    return BlessResult(file, verdict, name, False)
