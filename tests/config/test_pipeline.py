import json

import pytest

from tf_medsynth.config.pipeline import PipelineConfig
from tf_medsynth.types import MedSynthError


def test_dotted_keys_reach_the_part_they_name():
    config = PipelineConfig().assign(
        {
            "seed": "7",
            "prepare.size": "32,32",
            "lesion.training.batch_size": "4",
            "data.normalisation": "minmax",
            "generate.registration_px": "2",
            "drift.label": "0.5",
            "phantom.patients": "5",
        }
    )
    assert (config.seed, config.drift.label, config.phantom.patients) == (7, 0.5, 5)
    assert config.prepare == {"size": "32,32"} and config.generate == {"registration_px": "2"}
    assert config.overrides_of("lesion") == {"training.batch_size": "4", "data.normalisation": "minmax"}
    assert config.overrides_of("structure") == config.shared_overrides() == {"data.normalisation": "minmax"}


def test_changes_add_up():
    config = PipelineConfig().assign({"lesion.folds": 2}).assign({"lesion.fold": 1})
    assert config.overrides_of("lesion") == {"folds": 2, "fold": 1}


def test_numbers_that_came_through_a_runner_are_read_as_they_were():
    """Kubeflow Pipelines hands integers on as floats."""
    config = PipelineConfig().assign({"seed": 3, "lesion.training.batch_size": 4})
    floats = json.loads(json.dumps(config.to_dict()), parse_int=float)
    assert PipelineConfig.from_dict(floats) == config


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, "unknown setting of PipelineConfig.*key='colour'"),
        ({"lesion.colour": "red"}, "unknown setting of LesionSettings"),
        ({"generate.colour": "red"}, "unknown setting of GenerationConfig"),
        ({"prepare.colour": "red"}, "unknown setting of BratsSettings"),
        ({"preset": "huge"}, "unknown preset"),
        ({"data": "liver/slices"}, "brats/CONFIG"),
        ({"data": "brats/huge"}, "unknown config"),
        ({"count": "0"}, "count must be at least 1"),
        ({"seed": -1}, "seed lies in"),
        ({"name": "../up"}, "name holds letters"),
        ({"drift.label": 2}, r"drift.label lies in \[0, 1\]"),
        ({"blessing.acceptance": -1}, "blessing.acceptance is not negative"),
    ],
)
def test_what_cannot_be_is_refused(changes, message):
    with pytest.raises(MedSynthError, match=message):
        PipelineConfig().assign(changes)
