"""What both protocols ask: a signature of the served model, and its outputs."""

from __future__ import annotations

from concurrent.futures import Future

from tf_medsynth.config.base import check
from tf_medsynth.config.serving import ServingConfig
from tf_medsynth.serving.batching import Batcher
from tf_medsynth.serving.errors import NotFoundError
from tf_medsynth.serving.model import ServedModel
from tf_medsynth.serving.pictures import check_pictures
from tf_medsynth.serving.signatures import Arrays, Signature

DEFAULT_SIGNATURE = "serving_default"
_LEAST_VALUES = 2**20
"""That are taken in any case: text may hold commas too."""


class Predictor:
    """One version of one model and the queue before it."""

    def __init__(self, model: ServedModel, settings: ServingConfig) -> None:
        self.model = model
        self.batcher = Batcher(
            model.run, settings.batch_limit, settings.queue_limit, settings.batch_wait_ms / 1000
        )
        self.most_values = _most_values(model, settings.batch_limit)
        """Of one request, with room for what parts them; None where a signature leaves that open."""
        self._most_bytes = settings.message_limit_mib * 2**20

    def check_model(self, name: str, version: int | None) -> None:
        """Raises `NotFoundError` unless that is the served model; version None is the newest."""
        model = self.model
        if name != model.name or version not in (None, model.version):
            asked = name if version is None else f"{name} version {version}"
            raise NotFoundError(f"no such model: {asked}. Served: {model.name} version {model.version}.")

    def signature(self, name: str) -> Signature:
        """The signature called `name`; the empty name is the default.

        Raises:
            MedSynthError: the model has no such signature.
        """
        known = self.model.signatures
        name = name or DEFAULT_SIGNATURE
        check("unknown signature", name in known, f"Known: {', '.join(known)}.", signature_name=name)
        return known[name]

    def submit(self, signature: Signature, inputs: Arrays) -> Future[Arrays]:
        """The outputs to come.

        Raises:
            MedSynthError: the inputs do not fit, pictures claim more than a request may hold, or the
                queue is full.
        """
        signature.check(inputs)
        check_pictures(inputs, self._most_bytes)
        return self.batcher.submit(signature, inputs)


def _most_values(model: ServedModel, rows: int) -> int | None:
    counts = [signature.most_values(rows) for signature in model.signatures.values()]
    known = [count for count in counts if count is not None]
    return max(_LEAST_VALUES, 2 * max(known)) if len(known) == len(counts) else None
