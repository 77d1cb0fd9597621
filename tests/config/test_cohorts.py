"""How a folder is read, as settings: codes of a study or of one's own, a layout file that travels along."""

import pytest

from tf_medsynth.config.cohorts import CohortSettings, settings_of
from tf_medsynth.config.datasets import BratsSettings
from tf_medsynth.config.layouts import STUDIES
from tf_medsynth.types import MedSynthError


def test_codes_are_those_of_a_study_or_one_by_one():
    published = STUDIES["brats2017"]
    assert CohortSettings().code_table(published) is published
    assert settings_of(CohortSettings(), {"codes": "decathlon"}).code_table(published) == STUDIES["decathlon"]
    own = settings_of(CohortSettings(), {"codes": "1=oedema,255=enhancing"})
    assert own.code_table(published) == {0: 0, 1: 2, 255: 4}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"codes": "brats1999"}, "codes are those of a study.*decathlon"),
        ({"codes": "1=tumour"}, "means a class"),
        ({"layout": "brats2016"}, "unknown layout"),
        ({"layout": "absent.toml"}, "must exist"),
        ({"person": "("}, "regular expression"),
        ({"aliases": "a"}, "names one person twice"),
        ({"unlabelled": "maybe"}, "refuse, split"),
    ],
)
def test_settings_that_mean_nothing_are_refused(overrides, message):
    with pytest.raises(MedSynthError, match=message):
        settings_of(CohortSettings(), overrides)


def test_a_layout_file_travels_with_the_settings(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text('[files]\nT1="{patient}_a"\nT2="{patient}_b"\nT1c="{patient}_c"\nFlair="{patient}_d"\n')
    settings = settings_of(BratsSettings(), {"layout": str(path)})
    path.unlink()
    again = BratsSettings.from_dict(settings.to_dict())
    assert again == settings and again.layouts[0].name == "own"
    assert again.layouts[0].files["T2"] == ("{patient}_b",)


@pytest.mark.parametrize("splits", [("a",), ("a=holdout",)])
def test_a_given_split_is_a_patient_and_a_known_split(splits):
    with pytest.raises(MedSynthError, match="split is"):
        BratsSettings(splits=splits)
