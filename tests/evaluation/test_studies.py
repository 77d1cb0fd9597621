"""Comparisons of rows against exact numbers, SciPy's bootstrap, and claims whose answer is known."""

import math

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy import stats

from tf_medsynth.config.studies import Claim
from tf_medsynth.evaluation import studies
from tf_medsynth.reports.study_plot import _panel, study_plot
from tf_medsynth.reports.study_tables import study_markdown
from tf_medsynth.types import MedSynthError

RNG = np.random.default_rng(0)
PATIENTS = RNG.normal(0.6, 0.15, 12)
"""How hard each patient is: far more spread than rows differ."""


def row(gain: float, noise: float = 0.01, seeds: int = 3) -> np.ndarray:
    return PATIENTS + gain + RNG.normal(0, noise, (seeds, 12))


def test_the_difference_of_a_constant_gain_has_no_width():
    redrawn = studies.redraw({"1": np.tile(PATIENTS, (2, 1)), "25": np.tile(PATIENTS + 0.03, (2, 1))})
    gap = studies.difference(redrawn, "25", "1")
    assert gap.estimate == pytest.approx(0.03) and gap.high - gap.low < 1e-12 and gap.n == 12


def test_two_patients_are_exact():
    """One seed, gains 0 and 0.4: redrawn means are 0, 0.2 and 0.4 with chances 1/4, 1/2, 1/4."""
    redrawn = studies.redraw({"a": [[0.5, 0.1]], "b": [[0.5, 0.5]]}, resamples=4000)
    gap = redrawn.draws[:, 1] - redrawn.draws[:, 0]
    shares = [np.isclose(gap, value).mean() for value in (0.0, 0.2, 0.4)]
    np.testing.assert_allclose(shares, [0.25, 0.5, 0.25], atol=0.03)
    assert studies.difference(redrawn, "b", "a")[:3] == pytest.approx((0.2, 0.0, 0.4))


def test_one_seed_agrees_with_scipy():
    one, two = row(0.0, 0.05, 1), row(0.02, 0.05, 1)
    gap = studies.difference(studies.redraw({"a": one, "b": two}), "b", "a")
    oracle = stats.bootstrap(
        ((two - one)[0],), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert (gap.low, gap.high) == pytest.approx((oracle.low, oracle.high), abs=2e-3)


def test_seeds_widen_the_interval():
    """Each seed shifts all patients alike: redrawing patients alone would not see it."""
    shifts = np.array([[-0.05], [0.0], [0.05]])
    base = np.tile(PATIENTS, (3, 1))
    gap = studies.difference(studies.redraw({"a": base, "b": base + 0.02 + shifts}), "b", "a")
    means = 0.02 + np.array([-0.05, -0.1 / 3, 0.1 / 3, 0.05])
    assert gap.low == pytest.approx(means[0]) and gap.high == pytest.approx(means[3])  # 1 draw of 27 each


@pytest.mark.parametrize(
    ("claim", "answer"),
    [
        (Claim("25 beats 1", "25", ("1",)), "held"),
        (Claim("25 beats 1 by 0.2", "25", ("1",), margin=0.2), "not held"),
        (Claim("1 beats its twin", "1", ("twin",)), "undecided"),
        (Claim("24 is the worst", "24", ("1", "25"), side="below"), "held"),
        (Claim("1 is the worst", "1", ("24", "25"), side="below"), "not held"),
        (Claim("24 reaches 99 %", "24", ("1",), factor=0.99), "not held"),
        (Claim("13 beats 1", "13", ("1",)), "not run"),
    ],
)
def test_verdicts(claim, answer):
    rng = np.random.default_rng(3)
    gains = {"1": 0.0, "25": 0.05, "24": -0.1, "twin": 0.0}
    scores = {name: PATIENTS + gain + rng.normal(0, 0.01, (3, 12)) for name, gain in gains.items()}
    found = studies.verdict(claim, studies.redraw(scores))
    assert found["verdict"] == answer and found["words"].startswith(f"{answer}: {claim.text}")


def test_one_seed_or_one_patient_decides_nothing():
    claim = Claim("25 beats 1", "25", ("1",))
    for scores in (np.full((1, 5), 0.5), np.full((3, 1), 0.5)):
        found = studies.verdict(claim, studies.redraw({"1": scores, "25": scores + 0.1}))
        assert found["verdict"] == "undecided" and "cannot decide" in found["words"]


def test_a_value_a_seed_is_judged_by_students_interval():
    """Differences 10, 12 and 14 in favour: mean 12, spread 2, half width 4.303 * 2 / sqrt 3."""
    claim = Claim("nearer than a", "run", ("a", "not run"), "below", measure="fid")
    found = studies.seed_verdict(claim, {"run": [10.0, 11.0, 12.0], "a": [20.0, 23.0, 26.0]})
    assert found["verdict"] == "held" and found["rows"] == ["run", "a"] and found["gap"] == 12.0
    assert (found["low"], found["high"]) == pytest.approx((12 - 4.968, 12 + 4.968), abs=2e-3)
    assert "Means run: 11.000, a: 23.000 (in favour by +12.000, 95 % +7.03" in found["words"]
    assert studies.seed_verdict(claim, {"run": [30.0, 31.0], "a": [1.0, 2.1]})["verdict"] == "not held"
    alone = studies.seed_verdict(claim, {"run": [10.0], "a": [20.0]})
    assert alone["verdict"] == "undecided" and "One seed cannot decide it" in alone["words"]
    assert "nan" not in alone["words"]
    assert studies.seed_verdict(claim, {"run": [10.0]})["verdict"] == "not run"


def test_what_was_not_run_of_a_claim_is_said():
    redrawn = studies.redraw({"24": row(-0.1), "25": row(0.0)})
    found = studies.verdict(Claim("24 is the worst", "24", ("9", "25"), side="below"), redrawn)
    assert found["rows"] == ["24", "25"] and "only these were run" in found["words"]


def test_a_set_is_worth_the_patients_of_its_score():
    """0.5 at 2 patients, 0.7 at 6: 0.6 is worth 4; above and below the curve are bounds."""
    scores = {n: np.full((2, 5), v) for n, v in {"C": 0.5, "1": 0.7, "6": 0.6, "25": 0.8, "3": 0.4}.items()}
    worth = studies.worth_in_patients(studies.redraw(scores), {"1": 6, "C": 2}, ["6", "25", "3"])
    assert worth["6"]["patients"] == pytest.approx(4.0) and "as 4.0 real patients" in worth["6"]["words"]
    assert worth["25"]["patients"] is None and "more than 6" in worth["25"]["words"]
    assert worth["3"]["patients"] is None and "fewer than 2" in worth["3"]["words"]


def test_a_patient_without_a_lesion_is_left_out_and_odd_shapes_refused():
    scores = np.array([[0.5, np.nan, 0.7]])
    redrawn = studies.redraw({"1": scores, "2": scores + 0.1})
    assert redrawn.patients == 2 and redrawn.means == pytest.approx([0.6, 0.7])
    with pytest.raises(MedSynthError, match="same seeds and patients"):
        studies.redraw({"1": np.ones((2, 3)), "2": np.ones((1, 3))})
    with pytest.raises(MedSynthError, match="some patient has a score"):
        studies.redraw({"1": np.full((1, 2), np.nan)})


def facts() -> dict:
    mean = {"estimate": 0.8, "low": 0.7, "high": 0.9}
    rows = {
        name: {
            "about": about,
            "reference": reference,
            "mean": {"whole_lesion": mean, "legacy_dice": mean},
            "by_seed": {"0": {"whole_lesion": 0.79, "legacy_dice": 0.8}},
        }
        for name, about, reference in (("1", "real ×1", {"legacy_dice": 0.915}), ("C25", "real ×0.25", {}))
    }
    return {
        "study": "availability",
        "rows": rows,
        "seeds": [0],
        "cases": ["a", "b"],
        "cases_are": "test patients",
        "against_row_1": {"whole_lesion": {"C25": {"estimate": -0.1, "low": -0.2, "high": 0.05}}},
        "verdicts": {},
        "learning_curve": None,
        "skipped": {"E": "not run in every study that was pooled"},
        "time": {"wall": 10.0, "training": 9.0, "evaluation": 0.6, "wasted_share": 0.04},
    }


def test_the_table_says_published_values_few_patients_and_what_was_skipped():
    text = study_markdown(facts())
    assert "| 1 | real ×1 | 0.800 (0.700 to 0.900) | 0.800 (0.700 to 0.900) | – | 0.915 |" in text
    assert "-0.100 (-0.200 to +0.050)" in text and "row E: skipped" in text
    assert "2 test patients and 1 seeds" in text and "too narrow" in text


def test_a_row_without_a_measure_leaves_its_place_empty():
    held = facts()
    del held["rows"]["C25"]["mean"]["whole_lesion"]
    held["rows"]["1"]["mean"]["legacy_dice"] = {"estimate": 0.8, "low": math.nan, "high": math.nan}
    assert "| C25 | real ×0.25 | – |" in study_markdown(held)
    chart = study_plot(held, ["whole_lesion", "legacy_dice"])
    assert "C25" not in chart.description
    assert study_plot(held, ["legacy_dice"]).description.endswith("1 0.800; C25 0.800 (0.700 to 0.900).")


def test_further_measures_stand_in_a_table_of_their_own():
    found = facts()
    assert "Further measures" not in study_markdown(found)
    for row in found["rows"].values():
        for name, value in (("oedema", 0.5), ("oedema_iou", 1 / 3), ("hd95_mm", 12.5), ("auc", 0.9)):
            row["mean"][name] = {"estimate": value, "low": value, "high": value}
    text = study_markdown(found)
    assert "| row | oedema Dice / IoU | HD95, mm | pixels: AUC |" in text
    assert "| C25 | 0.500 / 0.333 | 12.500 | 0.900 |" in text


def test_values_decades_apart_are_on_a_logarithmic_axis():
    for far, scale in ((0.9, "linear"), (9000.0, "log")):
        held = facts()
        held["rows"]["1"]["mean"]["legacy_dice"] = {"estimate": far, "low": math.nan, "high": math.nan}
        axes = Figure().add_subplot()
        assert _panel(axes, held["rows"], "legacy_dice") and axes.get_xscale() == scale


def test_the_plot_is_a_picture_with_its_sentence():
    chart = study_plot(facts(), ["whole_lesion", "legacy_dice"])
    assert chart.png.startswith(b"\x89PNG") and "1 0.800 (0.700 to 0.900)" in chart.description
