"""Early warnings in plain words, from the logged terms and the pictures of a training."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tf_medsynth import runtime
from tf_medsynth.stages.base import AdversarialStage

_PATIENCE = 3
_JUDGED_PAIRS = (("real", "fake"), ("map_real", "map_fake"))
"""Least-squares losses on real and drawn images; 0.25 each is a discriminator that cannot tell."""


class Watch:
    """Looks for the signs of a training that goes wrong; each is told once, and kept in a file."""

    def __init__(self, file: Path, stage: AdversarialStage, done: int):
        self.file, self.stage = file, stage
        self.since: dict[str, int] = {}
        self.seen: dict[str, int] = {}
        if not done:
            file.unlink(missing_ok=True)
        kept = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        self.told = {_sign(line) for line in kept}

    def look(self, step: int, losses: Mapping[str, float]) -> None:
        """Checks the means of the last steps."""
        for name, value in losses.items():
            self._judge(step, f"{name} is not finite", not np.isfinite(value), patience=1)
        for real, fake in _JUDGED_PAIRS:
            if real in losses and self._stepped("discriminator", losses):
                r, f = losses[real], losses[fake]
                saturated = "discriminator saturated: it tells every image, the generator learns nothing"
                self._judge(step, saturated, r < 0.01 and f < 0.01)
                undecided = abs(r - 0.25) < 0.01 and abs(f - 0.25) < 0.01
                self._judge(step, "discriminator dead: 0.25 on real and drawn alike", undecided)
        for player in self.stage.players:
            norm = losses.get(f"{player}_gradient", 0.0)
            self._judge(step, f"gradient of the {player} explodes ({norm:.0f})", norm > 1e3)

    def look_into(self, step: int, facts: Mapping[str, float]) -> None:
        """Checks the stage's own measurements of what it draws."""
        agreement = facts.get("lesion_agreement")
        if agreement is not None:
            message = f"label ignored: lesion agreement {agreement:.2f}"
            self._judge(step, message, agreement < 0.1, patience=2)

    def look_at(self, step: int, pictures: Mapping[str, np.ndarray]) -> None:
        """Checks what the stage draws: constant output, or every sample alike."""
        for name, values in pictures.items():
            values = np.asarray(values, dtype="float32")
            self._judge(step, f"output constant: {name}", float(values.std()) < 1e-3, patience=1)
            if len(values) > 1:
                spread = float(values.std(axis=0).mean())
                self._judge(step, f"every sample alike: {name}", spread < 1e-3, patience=1)

    def _stepped(self, player: str, losses: Mapping[str, float]) -> bool:
        return player in self.stage.phases[self.stage.phase] and losses.get(f"{player}_gradient", 0.0) > 0.0

    def _judge(self, step: int, message: str, bad: bool, patience: int = _PATIENCE) -> None:
        key = _sign(message)
        if not bad:
            self.seen.pop(key, None)
            self.since.pop(key, None)
            return
        self.since.setdefault(key, step)
        self.seen[key] = self.seen.get(key, 0) + 1
        if self.seen[key] >= patience and key not in self.told:
            self.told.add(key)
            text = f"{message} since step {self.since[key]}"
            runtime.log.warning("%s", text)
            with self.file.open("a", encoding="utf-8") as file:
                file.write(text + "\n")


def _sign(message: str) -> str:
    """A warning without its measurements, which change from step to step."""
    return re.sub(r" \(\d+\)| \d+\.\d+$", "", message.partition(" since step ")[0])
