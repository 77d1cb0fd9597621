"""What a signature takes and gives, and whether a request fits it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import numpy as np

from tf_medsynth.config.base import check

Arrays = Mapping[str, np.ndarray]
"""Inputs or outputs by name; text and bytes are arrays of `bytes` objects."""


@dataclasses.dataclass(frozen=True)
class TensorSpec:
    """Dtype (object for bytes) and shape of a tensor; None is a free dimension, or an unknown rank."""

    dtype: np.dtype
    shape: tuple[int | None, ...] | None

    def admits(self, shape: tuple[int, ...]) -> bool:
        """Whether a tensor of `shape` fits."""
        if self.shape is None:
            return True
        return len(shape) == len(self.shape) and all(
            own in (None, size) for own, size in zip(self.shape, shape, strict=True)
        )

    def check(self, name: str, dtype: np.dtype, shape: tuple[int, ...]) -> None:
        """Raises unless input `name` may have this `dtype` and `shape`."""
        check(f"input {name!r} must be of type {dtype_name(self)}", dtype == self.dtype, dtype=str(dtype))
        wanted = "(" + ", ".join("?" if d is None else str(d) for d in self.shape or ()) + ")"
        check(f"input {name!r} must have the shape {wanted}", self.admits(shape), shape=shape)

    @property
    def has_free_rows(self) -> bool:
        """Whether the first dimension is free."""
        return self.shape is not None and self.shape[:1] == (None,)


@dataclasses.dataclass(frozen=True)
class Signature:
    """A named function of a SavedModel."""

    name: str
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]

    @property
    def batched(self) -> bool:
        """Whether rows of several requests can be computed as one: every input has free rows, every
        output may have.
        """
        return all(spec.has_free_rows for spec in self.inputs.values()) and all(
            spec.has_free_rows or spec.shape is None for spec in self.outputs.values()
        )

    def most_values(self, rows: int) -> int | None:
        """Numbers and texts of `rows` rows of all inputs; None where a shape leaves that open."""
        total = 0
        for spec in self.inputs.values():
            sizes = (None,) if spec.shape is None else spec.shape[1:] if self.batched else spec.shape
            known = [size for size in sizes if size is not None]
            if len(known) < len(sizes):
                return None
            total += (rows if self.batched else 1) * math.prod(known)
        return total

    def check_names(self, names: set[str]) -> None:
        """Raises unless `names` are exactly those of the inputs."""
        check(
            f"signature {self.name!r} takes the inputs {', '.join(sorted(self.inputs))}",
            names == set(self.inputs),
            inputs=sorted(names),
        )

    def check(self, arrays: Arrays) -> None:
        """Raises unless `arrays` fit the inputs: names, dtypes, shapes, and rows that agree.

        Raises:
            MedSynthError: says which input, and what it should be.
        """
        self.check_names(set(arrays))
        for name, spec in self.inputs.items():
            spec.check(name, arrays[name].dtype, arrays[name].shape)
        if self.batched:
            counts = {name: len(array) for name, array in arrays.items()}
            check("all inputs must have the same number of rows", len(set(counts.values())) == 1, rows=counts)
            check("a request must have at least one row", all(counts.values()), rows=0)


def dtype_name(spec: TensorSpec) -> str:
    """E.g. ``float32``, or ``string``."""
    return "string" if spec.dtype == object else str(spec.dtype)
