"""A likeness is missed by too much as by too little."""

from __future__ import annotations

import pytest

from tf_medsynth.config.bounds import BlessingConfig, ReportConfig
from tf_medsynth.evaluation import likeness
from tf_medsynth.evaluation.findings import Finding
from tf_medsynth.types import MedSynthError


@pytest.mark.parametrize(
    ("value", "held"),
    [(0.84, False), (0.85, True), (1.0, True), (1.17, True), (1.18, False), (1.6, False), (None, None)],
)
def test_a_bound_on_a_likeness_looks_both_ways(value, held):
    found = Finding.alike("sharpness", value, 0.85)
    assert found.held is held and found.wanted == "0.85 to 1.18"


def test_sharpness_of_an_edge_drawer_is_told():
    (found,) = likeness.sharpness({"laplacian_ratio": {"T1c": 1.6}}, ReportConfig().sharpness)
    assert found.held is False and found.claim == "sharpness of T1c, of real"


def test_outlines_are_closed_as_often_as_real_ones():
    def of(generated: float, real: float) -> bool | None:
        structure = {"contour_pass_rate": {"generated": generated, "real": real}}
        return likeness.closed_outlines(structure, 0.8).held

    assert of(0.9, 1.0) and not of(0.7, 1.0)
    assert of(0.5, 0.5) and not of(1.0, 0.5)
    assert of(0.5, 0.0) is None


def test_samples_are_as_unlike_each_other_as_patients():
    def of(synthetic: float) -> bool | None:
        found = {"real": {"mean": {"T1": 0.6}}, "synthetic": {"mean": {"T1": synthetic}}}
        (answer,) = likeness.diversity(found, 0.85)
        return answer.held

    assert of(0.6) and of(0.65)
    assert of(0.7) is False  # one picture again and again
    assert of(0.5) is False  # less alike than patients are


def test_lesions_are_found_and_not_too_easily():
    def of(synthetic: float, real: float) -> list[bool | None]:
        sides = {"synthetic": synthetic, "real": real}
        found = {name: {"whole_lesion": {"per_slice": dice}} for name, dice in sides.items()}
        return [finding.held for finding in likeness.lesions(found, ReportConfig())]

    assert of(0.88, 0.9) == [True, True]
    assert of(0.8, 0.85) == [False, True]
    assert of(0.97, 0.8) == [True, False]


@pytest.mark.parametrize("config", [BlessingConfig, ReportConfig])
def test_a_likeness_is_a_share(config):
    with pytest.raises(MedSynthError, match=r"sharpness is a share .* binds both ways"):
        config(sharpness=1.2)
    assert Finding.alike("nothing asked", 9.0, config(sharpness=0.0).sharpness).held
    assert Finding.alike("nothing asked, nothing known", None, 0.0).held
