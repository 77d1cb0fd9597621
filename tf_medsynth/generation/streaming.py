"""From a seed to `count` accepted samples in a spool: in bounded memory, killed and resumed at will."""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tf_medsynth import runtime
from tf_medsynth.config.base import check
from tf_medsynth.config.generation import GenerationConfig
from tf_medsynth.generation.candidates import compute_chunk
from tf_medsynth.generation.gates import REASONS
from tf_medsynth.generation.labels import LabelPool
from tf_medsynth.generation.memorisation import NOT_JUDGED, TrainingReference
from tf_medsynth.generation.spool import Chunk, Record, Spool, open_spool
from tf_medsynth.generation.synthesiser import Synthesiser
from tf_medsynth.types import MedSynthError

Progress = Callable[..., Iterable[Any]]

_REMEDIES = {
    "contour": "train the structure stage longer, or raise contour.max_mae",
    "label": "use smaller or augmented labels, or raise label_tries",
    "lesion_whole": "set lesion.whole_threshold relative to what the guides reach on real images",
    "lesion_class": "set lesion.class_threshold relative to what the guides reach on real images",
    "lesion_found": "train the multimodal stage longer, or raise lesion.class_pixels",
    "registration": "train the multimodal stage longer, or raise registration_px",
    "memorised": "train on more patients, or fewer steps; or lower memorisation.false_alarm",
    "proportion": "look at what else is rejected: too few samples with a lesion pass",
}


def stream(
    synthesiser: Synthesiser,
    labels: LabelPool,
    settings: GenerationConfig,
    seed: int,
    count: int,
    spool: Path,
    progress: Progress = runtime.progress,
    fill: Callable[[Spool], None] | None = None,
    reference: TrainingReference | None = None,
) -> Spool:
    """The spool with (at least) `count` accepted samples; continues where an earlier run stopped.

    Candidate k is named by (model hash, seed, k): the samples do not depend on `count`, on how often
    the run was killed, or on what is already there. Candidates are computed in aligned chunks, and
    the last chunk may hold a few more accepted samples than were asked for.

    Args:
        synthesiser: trained networks.
        labels: lesion labels of the synthesiser's image size.
        settings: gates and bounds.
        seed: not negative.
        count: accepted samples wanted.
        spool: folder of finished chunks, created where there is none.
        progress: shows how far an iteration is, like `runtime.progress`.
        fill: has chunks drawn elsewhere first; what it leaves out is computed here.
        reference: the training slices that no sample may copy; None looks for no copies.

    Raises:
        MedSynthError: unusable arguments, a spool of something else, too little disk space, or too
            few candidates accepted; finished chunks are kept.
    """
    _check_request(synthesiser, labels, seed, count)
    identity = identity_of(synthesiser, labels, settings, seed, reference)
    with open_spool(
        spool, identity, lambda: labels.coverage(synthesiser.domain.label.classes).to_dict()
    ) as opened:
        missing = count - opened.finished() * settings.chunk
        runtime.check_room(spool, missing * _sample_bytes(synthesiser))
        rows, columns = synthesiser.image_size
        runtime.check_memory(
            "a chunk of candidates",
            4.0
            * min(settings.chunk, settings.candidate_cap(count))
            * (rows * columns * (synthesiser.domain.image_channels + 3)),
            "Lower chunk.",
            chunk=settings.chunk,
        )
        if fill is not None:
            fill(opened)
        compute = functools.partial(compute_chunk, synthesiser, labels, settings, seed, reference=reference)
        with _in_background(opened.write) as write:
            judged = map(opened.proportion().of, _chunks(opened, compute, write))
            done = _accept(judged, settings, count)
            for _ in progress(done, total=count, label="generate", unit="sample"):
                pass
    return opened


def _accept(chunks: Iterable[list[Record]], settings: GenerationConfig, count: int) -> Iterator[int]:
    """Index of each of the first `count` accepted candidates, as its chunk is done."""
    accepted = looked_at = 0
    reasons: Counter[str] = Counter()
    for records in chunks:
        looked_at += len(records)
        reasons.update(record["reason"] for record in records if not record["accepted"])
        for record in records:
            if record["accepted"]:
                accepted += 1
                yield record["k"]
                if accepted == count:
                    return
        if looked_at >= settings.candidate_cap(count):
            raise _too_few(accepted, looked_at, count, reasons)


def _chunks(
    spool: Spool, compute: Callable[[int], Chunk], write: Callable[..., None]
) -> Iterator[list[Record]]:
    """Records of chunk 0, 1, ...: read where it is finished, else computed and given to `write`."""
    for number in itertools.count():
        if spool.has(number):
            yield spool.records(number)
        else:
            chunk = compute(number)
            write(number, chunk)
            yield chunk.records


@contextmanager
def _in_background(function: Callable[..., None]) -> Iterator[Callable[..., None]]:
    """`function`, whose call runs on while the caller goes on; the next call, or the end, waits for it.

    An error is raised there. Writing a chunk mostly waits for the disk, computing one does not.
    """
    running: list[Future[None]] = []
    with ThreadPoolExecutor(max_workers=1) as thread:

        def start(*arguments: Any) -> None:
            if running:
                running.pop().result()
            running.append(thread.submit(function, *arguments))

        yield start
        if running:
            running.pop().result()


def identity_of(
    synthesiser: Synthesiser,
    labels: LabelPool,
    settings: GenerationConfig,
    seed: int,
    reference: TrainingReference | None = None,
) -> dict[str, Any]:
    """What decides every sample of a generation, as JSON values; a spool and its data set keep it."""
    return {
        "model_hash": synthesiser.model_hash,
        "seed": seed,
        "image_size": list(synthesiser.image_size),
        "modalities": list(synthesiser.domain.modalities),
        "domain": synthesiser.domain.to_dict(),
        "labels": {
            "fingerprint": labels.fingerprint,
            "count": len(labels),
            "lesion_free": round(labels.lesion_free, 6),
        },
        "settings": settings.identity(),
        "memorisation": NOT_JUDGED if reference is None else reference.identity(),
    }


def _check_request(synthesiser: Synthesiser, labels: LabelPool, seed: int, count: int) -> None:
    check("count must be at least 1", count >= 1, count=count)
    check("seed must not be negative", seed >= 0, seed=seed)
    check(
        "labels have the size of the model's images",
        labels.image_size == tuple(synthesiser.image_size),
        "Build the pool at the model's size.",
        labels=labels.image_size,
        model=tuple(synthesiser.image_size),
    )


def _sample_bytes(synthesiser: Synthesiser) -> int:
    """Of one sample in the spool and once more, no larger, in the data set made of it."""
    rows, columns = synthesiser.image_size
    return 2 * rows * columns * (4 * synthesiser.domain.image_channels + 3)


def _too_few(accepted: int, looked_at: int, count: int, reasons: Counter[str]) -> MedSynthError:
    worst = max(REASONS, key=lambda reason: reasons[reason])
    told = ", ".join(f"{reason} {reasons[reason]}" for reason in REASONS if reasons[reason])
    return MedSynthError(
        f"acceptance too low: {accepted} of {looked_at} candidates accepted. "
        f"Received: count={count}; rejected for {told}. What is accepted is kept. "
        f"Remedy: {_REMEDIES[worst]}; or look at more with max_candidates_per_sample; or --no-filter."
    )
