"""Rules of the network specs, and their tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tf_medsynth.config.networks import (
    PAPER_SPECS,
    TINY_SPECS,
    CodeDiscriminatorSpec,
    DiscriminatorSpec,
    StructureVAESpec,
    UNetSpec,
)
from tf_medsynth.types import MedSynthError

BROKEN: list[tuple[Callable[..., Any], dict[str, Any], str]] = [
    (UNetSpec, {"image_size": (90, 96)}, r"multiple of 8 .*Received: image_size=\(90, 96\).*88,96"),
    (UNetSpec, {"image_size": (88, 96), "patch": 2}, "multiple of 16"),
    (UNetSpec, {"base_filters": 0}, "base_filters"),
    (UNetSpec, {"output": "softmax"}, "2 output channels"),
    (UNetSpec, {"conditions": 4, "normalisation": "none"}, "needs instance norms"),
    (UNetSpec, {"input_dropout": 1.0}, r"\[0, 1\)"),
    (DiscriminatorSpec, {"image_size": (16, 96)}, "at least 2x2 patches"),
    (DiscriminatorSpec, {"modalities": 1}, "0 or at least 2"),
    (DiscriminatorSpec, {"first_norm": True, "normalisation": "none"}, "first_norm"),
    (StructureVAESpec, {"image_size": (96, 100)}, "multiple of 8"),
    (StructureVAESpec, {"working_size": (60, 64)}, r"working_size must be a multiple of 8 .*Nearest: 64,64"),
    (StructureVAESpec, {"spatial_noise": ((3, 1),)}, r"Possible strides: \[1, 2, 4, 8\]"),
    (StructureVAESpec, {"spatial_noise": ((4, 1), (4, 2))}, "must differ"),
]


@pytest.mark.parametrize(("spec", "changes", "message"), BROKEN)
def test_broken_rule_is_one_clear_line(
    spec: Callable[..., Any], changes: dict[str, Any], message: str
) -> None:
    values = {"image_size": (96, 96), **changes}
    if spec is not StructureVAESpec:
        values["in_channels"] = 1
    if spec is UNetSpec:
        values["out_channels"] = 1
    with pytest.raises(MedSynthError, match=message) as caught:
        spec(**values)
    assert "\n" not in str(caught.value)


def test_code_that_is_no_square_needs_the_mlp() -> None:
    with pytest.raises(MedSynthError, match='kind="mlp"'):
        CodeDiscriminatorSpec(17, "conv")


@pytest.mark.parametrize("table", [PAPER_SPECS, TINY_SPECS], ids=["paper", "tiny"])
def test_tables_survive_json(table: dict[str, Any]) -> None:
    for spec in table.values():
        assert type(spec).from_dict(spec.to_dict()) == spec


def test_words_override_a_size() -> None:
    spec = TINY_SPECS["generator"].override({"image_size": "96,128", "base_filters": "24"})
    assert spec.image_size == (96, 128) and spec.filters == (24, 48, 96, 96)
