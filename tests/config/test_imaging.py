"""Settings of the image operators: published values, and what is refused."""

import pytest

from tf_medsynth.config import imaging
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.imaging import (
    OPERATOR_PRESETS,
    FusionConfig,
    LabelAugmentConfig,
    MaskConfig,
    OperatorConfig,
    StructureMapConfig,
    operator_preset,
)
from tf_medsynth.types import MedSynthError


def test_published_values_of_a_dataset():
    retina = operator_preset("thesis/retina")
    structure, mask = retina.structure, retina.mask
    assert (structure.sigma_before, structure.threshold, structure.sigma_after) == (0.4, 0.014, 0.3)
    assert (structure.rebinarise, structure.median, structure.organ_only) == (0.05, 5, True)
    assert (mask.expand, mask.threshold, mask.median, mask.fill) == (10, 0.3, 17, False)
    assert {name.split("/")[1] for name in OPERATOR_PRESETS if name.startswith("thesis/")} == {
        "brats", "retina", "lung_ct", "chest_xray", "tianchi",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("size", "threshold"),
    [((64, 64), 0.16), ((96, 96), 0.09), ((128, 128), 0.09), ((184, 144), 0.10), ((216, 240), 0.10)],
)
def test_measured_threshold_follows_the_size(size, threshold):
    structure = BRAIN_MRI.operators_at(*size).structure
    assert (structure.threshold, structure.modality, structure.median) == (threshold, "T1", None)


@pytest.mark.parametrize("name", OPERATOR_PRESETS)
def test_presets_survive_a_dictionary(name):
    config = operator_preset(name)
    assert OperatorConfig.from_dict(config.to_dict()) == config


def test_words_override_optional_values():
    config = OperatorConfig().override(
        {"structure.median": "5", "structure.sigma_after": "0.3", "mask.median": "none"}
    )
    assert (config.structure.median, config.structure.sigma_after, config.mask.median) == (5, 0.3, None)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: StructureMapConfig(median=4), "odd window"),
        (lambda: StructureMapConfig(sigma_before=0.0), "sigma_before is positive"),
        (lambda: StructureMapConfig(threshold=float("nan")), "threshold must be finite"),
        (lambda: StructureMapConfig(family="paper", median=3), "paper family"),
        (lambda: MaskConfig(expand=-1), "0 or more px"),
        (lambda: FusionConfig(noise_low=0.7), "low not above high"),
        (lambda: LabelAugmentConfig(translate=(5, 2)), "low <= high"),
        (lambda: imaging.ContourConfig(max_mae=0.0), "max_mae"),
        (lambda: imaging.TrainAugmentConfig(scale=1.0), "scale lies in"),
        (lambda: imaging.ImageAugmentConfig(second_probability=1.5), "second_probability"),
        (lambda: operator_preset("thesis/liver"), "Known: paper/brats"),
        (lambda: StructureMapConfig(modality="T1, T2"), "modality is one word"),
    ],
)
def test_impossible_settings_are_refused(build, message):
    with pytest.raises(MedSynthError, match=message):
        build()
