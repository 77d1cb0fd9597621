"""Tables of studies: every row can be read as settings, claims name rows that are there."""

import subprocess
import sys

import pytest

from tf_medsynth.config.presets import preset
from tf_medsynth.config.studies import (
    CLAIMS,
    MIXES,
    STUDIES,
    TABLES,
    AvailabilitySettings,
    Mix,
    chosen_rows,
    study_rows,
)
from tf_medsynth.types import MedSynthError


def test_the_papers_table_has_its_25_rows():
    rows = study_rows("availability")
    assert [name for name in rows if name.isdigit()] == [str(number) for number in range(1, 26)]
    mixes = {name: AvailabilitySettings().override(row.overrides).mix for name, row in rows.items()}
    assert mixes["1"] == Mix() and mixes["3"] == Mix(0.0, 1.0) and mixes["21"] == Mix(1.0, 0.0, 1.0)
    assert mixes["6"] == Mix(0.1, 1.0, 0.0, "synthetic_first", 0.9)
    assert mixes["24"] == Mix(1.0, 1.0, 0.0, "real_first") and mixes["25"].mixing == "synthetic_first"
    assert rows["13"].reference == {"legacy_mse": 0.023, "legacy_dice": 0.939}
    assert set(MIXES) == {str(n) for n in (*range(6, 18), 24, 25)}


@pytest.mark.parametrize("study", STUDIES)
def test_claims_name_rows_that_are_there(study):
    table = TABLES[study]
    named = {name for claim in CLAIMS[study] for name in (claim.row, *claim.others)}
    assert named <= set(table) and all(name == row.name for name, row in table.items())


@pytest.mark.parametrize("study", ["lesion-guidance", "ablation"])
def test_rows_change_settings_that_exist(study):
    for row in TABLES[study].values():
        preset("brats96").override(row.overrides)


def test_the_ablation_adds_one_thing_at_a_time():
    found = {name: preset("thesis").override(row.overrides) for name, row in TABLES["ablation"].items()}
    weights = {name: chosen.multimodal.weights for name, chosen in found.items()}
    assert (weights["C"].registration, weights["C"].lesion) == (0.0, 0.0)
    assert (weights["D"].registration, weights["D"].lesion) == (20.0, 0.0)
    assert found["B"].multimodal.fusion.noise_high == 0.0 < found["C"].multimodal.fusion.noise_high
    assert found["E"] == preset("thesis").override({"multimodal.label_place": "anywhere"})
    assert found["F"] == preset("thesis")
    assert found["F-lesion"] == found["D"] and found["F-labels"] == found["E"]


def test_every_scheme_of_guides_has_its_row_and_can_be_run():
    rows = study_rows("lesion-guidance")
    schemes = ("single", "shared", "multiple", "stacked")
    assert [preset("thesis").override(rows[name].overrides).lesion.scheme for name in schemes] == [*schemes]


def test_rows_are_chosen_by_name():
    assert [row.name for row in chosen_rows("availability", ["25", "1", "25"])] == ["25", "1"]
    assert len(chosen_rows("ablation", ["all"])) == len(TABLES["ablation"])
    for names, words in ((["26"], "unknown row of availability"), ([], "a study needs rows")):
        with pytest.raises(MedSynthError, match=words):
            chosen_rows("availability", names)
    with pytest.raises(MedSynthError, match="unknown study"):
        study_rows("astrology")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"real": 0.0}, "not all 0"),
        ({"real": 1.5}, r"real share lies in \[0, 1\]"),
        ({"mixing": "real_first"}, "two phases need real and synthetic"),
        ({"synthetic": 1.0, "augmented": 1.0, "mixing": "real_first"}, "nothing else"),
        ({"first_share": 0.9}, "first_share"),
    ],
)
def test_mixes_that_cannot_be(values, words):
    with pytest.raises(MedSynthError, match=words):
        Mix(**values)


def test_the_list_needs_no_tensorflow():
    code = (
        "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None\n"
        "from tf_medsynth.cli.main import main\n"
        "sys.exit(main(['study', 'ablation', '--list']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "F-lesion  everything but the lesion loss" in done.stdout
    assert "four plain GANs from noise; published ms_ssim 0.504\n" in done.stdout
