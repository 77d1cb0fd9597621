"""Neighbouring slices as the channels of a modality: a slice sees what lies above and below it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tf_medsynth.config.base import check
from tf_medsynth.config.domain import Domain
from tf_medsynth.data.slices import SliceSource
from tf_medsynth.types import Tensor


@dataclasses.dataclass(frozen=True)
class StackSource(SliceSource):
    """Rows `(H, W, M * C)`, C slices of each modality beside each other, with the label of the middle one.

    Prepared as a stacks configuration, `(C, H, W, M)`; the domain of the rows has C channels.
    """

    @classmethod
    def shown(cls, domain: Domain, shape: Sequence[int | None]) -> Domain:
        """`domain` with as many channels as a stack has slices."""
        check(
            f"this source needs stacks of 3 slices of {', '.join(domain.modalities)} in grey (3, H, W, M)",
            domain.channels == 1 and len(shape) == 4 and None not in shape[1:],
            "Prepare a stacks configuration.",
            images=shape,
            channels=domain.channels,
        )
        depth = shape[0]
        rule = "a stack has 3 slices"
        check(rule, depth == 3, "Prepare a stacks configuration with stack_size=3.", images=shape)
        return dataclasses.replace(domain, channels=3)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        _, height, width, _ = self.builder.info.features["images"].shape
        return height, width

    def of_form(self) -> tuple[Any, ...]:
        """That these are stacks."""
        return ("stacks",)

    def normalised(self, example: dict[str, Tensor]) -> dict[str, Tensor]:
        """The row of a stored stack, without index."""
        by_modality = tf.transpose(example["images"], (1, 2, 3, 0))
        images = tf.reshape(by_modality, (*self.image_size, self.domain.image_channels))
        return super().normalised({**example, "images": images})
