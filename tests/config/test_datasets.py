"""Settings of the brats dataset: named configs, their sizes, what is refused."""

import pytest

from tf_medsynth.config.datasets import BRATS_CONFIGS, BratsSettings, brats_settings, scaled_range
from tf_medsynth.config.layouts import LAYOUTS
from tf_medsynth.types import MedSynthError


def test_the_default_is_the_published_crop():
    settings = brats_settings("slices")
    assert settings.image_size == (184, 144)
    assert settings.slice_range[1] - settings.slice_range[0] == 55
    assert (settings.form, settings.size, settings.layout) == ("slices", None, "any")


def test_named_configs_have_the_size_they_name():
    assert [brats_settings(f"slices_{n}").image_size for n in (64, 96, 128)] == [
        (64, 64),
        (96, 96),
        (128, 128),
    ]
    assert len(BRATS_CONFIGS) == 6 * (1 + len(LAYOUTS))
    for layout in LAYOUTS:
        assert brats_settings(f"{layout}_slices_96").layout == layout
    with pytest.raises(MedSynthError, match=r"unknown config.*slices_96.*brats2021_slices"):
        brats_settings("slices_97")


def test_settings_survive_text_and_dictionaries():
    settings = BratsSettings().override({"size": "48,64", "aliases": "a=b,c=d", "test_fraction": "0.5"})
    assert (settings.size, settings.aliases, settings.test_fraction) == ((48, 64), ("a=b", "c=d"), 0.5)
    assert BratsSettings.from_dict(settings.to_dict()) == settings
    assert settings.override({"size": "none"}).size is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layout": "brats2016"}, "unknown layout"),
        ({"slice_range": (50, 50)}, r"slice_range lies in 0\.\.155"),
        ({"row_range": (0, 241)}, r"row_range lies in 0\.\.240"),
        ({"size": (0, 4)}, "two positive numbers"),
        ({"stack_size": 4}, "odd"),
        ({"test_fraction": 0.6, "validation_fraction": 0.4}, "leave some patients"),
        ({"min_brain_fraction": 1.0}, "min_brain_fraction"),
        ({"aliases": ("only_one",)}, "names one person twice"),
        ({"form": "cubes"}, "form must be one of"),
        ({"colour": 1}, "unknown setting"),
    ],
)
def test_what_makes_no_sense_is_refused(change, message):
    with pytest.raises(MedSynthError, match=message):
        BratsSettings.from_dict(change)


def test_ranges_follow_the_volume():
    assert scaled_range((50, 105), 155, 155) == (50, 105)
    assert scaled_range((24, 216), 240, 80) == (8, 72)
    assert scaled_range((50, 105), 155, 31) == (10, 21)
    for length in range(1, 40):
        start, stop = scaled_range((50, 105), 155, length)
        assert 0 <= start < stop <= length
