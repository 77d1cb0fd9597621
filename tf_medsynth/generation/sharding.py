"""The chunks of a spool drawn by the workers of a Beam pipeline.

A chunk is a pure function of (model, labels, settings, seed, its number) and is written to a file of
that number in one step. So it does not matter who draws it, in which order, or whether twice; and
what is published are the first accepted samples, however many chunks were drawn beyond them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from pathlib import Path

from tf_medsynth import runtime
from tf_medsynth.config.base import check
from tf_medsynth.config.generation import GenerationConfig
from tf_medsynth.generation.candidates import compute_chunk
from tf_medsynth.generation.labels import LabelPool
from tf_medsynth.generation.memorisation import TrainingReference
from tf_medsynth.generation.spool import Spool
from tf_medsynth.generation.synthesiser import Synthesiser

Loader = Callable[[], tuple[Synthesiser, LabelPool]]
"""Networks and labels, wherever it is called; picklable, and quick when called again in a process."""


def fill(
    spool: Spool,
    *,
    beam: runtime.Beam,
    load: Loader,
    settings: GenerationConfig,
    seed: int,
    count: int,
    reference: TrainingReference | None = None,
) -> None:
    """Has chunks drawn until `spool` holds `count` accepted samples, or as many candidates as allowed.

    Every round asks for as many chunks as the share of accepted candidates so far promises to need.

    Raises:
        MedSynthError: what a worker raised; finished chunks are kept.
    """
    work = functools.partial(_draw, load, settings, seed, spool.folder.absolute(), reference=reference)
    last = math.ceil(settings.candidate_cap(count) / settings.chunk)
    accepted = done = 0
    proportion = spool.proportion()
    while True:
        while spool.has(done):
            accepted += sum(record["accepted"] for record in proportion.of(spool.records(done)))
            done += 1
        if accepted >= count or done >= last:
            break
        share = (accepted + 1) / (done * settings.chunk + 1)
        more = math.ceil((count - accepted) / share / settings.chunk)
        numbers = [n for n in range(done, min(done + more, last)) if not spool.has(n)]
        runtime.log.info(
            "generate: %d chunks of %d candidates to %s", len(numbers), settings.chunk, beam.runner
        )
        beam.run(work, numbers)
    spool.rewrite_records()


def _draw(
    load: Loader,
    settings: GenerationConfig,
    seed: int,
    folder: Path,
    number: int,
    reference: TrainingReference | None = None,
) -> None:
    """Chunk `number` of the spool in `folder`, unless it is there."""
    spool = Spool.read(folder)
    if spool.has(number):
        return
    synthesiser, labels = load()
    check(
        "every worker must see the run that the spool was begun with",
        synthesiser.model_hash == spool.identity["model_hash"],
        model_hash=synthesiser.model_hash,
        spool=spool.identity["model_hash"],
    )
    chunk = compute_chunk(synthesiser, labels, settings, seed, number, reference)
    spool.keep(number, chunk, shared=True)
