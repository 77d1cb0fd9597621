"""What `config.terms` says of each setting is what the stage computes, over every switch of a term."""

from __future__ import annotations

import pytest

from tests import tiny
from tf_medsynth.config.terms import check_terms
from tf_medsynth.data.draws import draw
from tf_medsynth.types import MedSynthError

SWITCHES = [
    ("structure", {"drawing": "lines", "critic_sees": "map"}, {"anatomy"}),
    ("translation", {"discriminator.modalities": 0}, {"agreement", "modality", "modality_real"}),
    ("multimodal", {"discriminator.modalities": 0}, {"modality", "modality_real"}),
]


@pytest.mark.parametrize(("name", "changes", "off"), SWITCHES, ids=[name for name, *_ in SWITCHES])
def test_the_terms_of_a_stage_are_its_weights_but_those_switched_off(name, changes, off):
    stage, batch = tiny.build(name, changes), tiny.as_tensors(tiny.batch(rows=2))
    found = {}
    for phase, players in stage.phases.items():
        stage.phase = phase
        outputs = stage.synthesise(
            batch, draw(stage.draws(), 0, batch["index"], purpose="validation"), training=False
        )
        found[phase] = {term for player in players for term in stage.terms(player, batch, outputs)}
    first, last = (next(iter(found)), stage.phase)
    assert found[last] == set(stage.weights_by_term) - off
    if name == "multimodal":
        assert found[first] == set(stage.weights_by_phase[first])
        assert set(stage.settings.second_phase) == set(stage.weights_by_term)
    elif first != last:
        assert set(stage.settings.second_phase) == found[last] - found[first]
    for term in off:
        weighted = {f"weights.{other}": 0.0 for other in off} | {f"weights.{term}": 2.0}
        settings = getattr(tiny.settings(name, {**changes, **weighted}), name)
        with pytest.raises(MedSynthError, match=rf"weights\.{term} without a term.*weights\.{term}=0"):
            check_terms(settings)
