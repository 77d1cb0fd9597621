"""No more lesion-free samples than the training slices have: gates let the empty ones through more often."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from tf_medsynth.generation.gates import PROPORTION

_ROUNDING = 1e-9


class Proportion:
    """The samples of a generation as they are taken, candidate by candidate, in order.

    A sample with a lesion is always taken. One without is taken while the share of such samples does
    not exceed `share` by more than one sample. So what is taken depends on nothing but what came
    before, whoever computed it.

    Args:
        share: of the training labels, those without a lesion; None takes what passed the gates.
    """

    def __init__(self, share: float | None) -> None:
        self.share = share
        self.taken = self.empty = 0

    def of(self, records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """The next `records`, in which those that are one too many are rejected."""
        return [self._judged(record) for record in records]

    def _allowed(self, samples: int) -> float:
        return math.inf if self.share is None else math.ceil(self.share * samples - _ROUNDING)

    def _judged(self, record: dict[str, Any]) -> dict[str, Any]:
        if not record["accepted"]:
            return record
        empty = not any(record["lesion_pixels"].values())
        if empty and self.empty + 1 > self._allowed(self.taken + 1):
            return {**record, "accepted": False, "reason": PROPORTION}
        self.taken += 1
        self.empty += empty
        return record
