import io

import matplotlib
import numpy as np
import pytest
from PIL import Image

from tf_medsynth.metrics.coverage import Coverage
from tf_medsynth.reports.figures import coverage_chart, gates_chart, loss_chart
from tf_medsynth.types import MedSynthError


def colours(file: bytes) -> set[tuple[int, int, int]]:
    picture = Image.open(io.BytesIO(file)).convert("RGB")
    return {colour for _, colour in picture.getcolors(picture.width * picture.height)}


BLUE, VERMILLION = (0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)


@pytest.mark.parametrize("count", [1, 5, 60])
def test_curve_is_drawn_and_told_at_any_length(count: int) -> None:
    chart = loss_chart("kl", np.arange(count) * 10, np.linspace(3, 1, count))
    assert BLUE in colours(chart.png)
    assert chart.description.startswith("kl: 3 at step 0")
    assert "finite" not in chart.description


def test_values_that_are_not_finite_are_counted() -> None:
    chart = loss_chart("kl", [0, 1, 2, 3], [1.0, np.nan, np.inf, 2.0])
    assert "2 values are not finite" in chart.description
    assert "lowest 1, highest 2" in chart.description
    assert "no finite value" in loss_chart("kl", [0, 1], [np.nan, np.nan]).description


def test_coverage_says_what_was_lost() -> None:
    labels = np.zeros((2, 30, 30), np.int32)
    labels[0, 0, 0], labels[1, 29, 29] = 3, 3
    classes = ("background", "necrosis", "oedema", "non_enhancing")
    before, after = Coverage.of_labels(labels, classes), Coverage.of_labels(labels[:1], classes)
    chart = coverage_chart("non_enhancing", before.counts[3], after.counts[3])
    assert chart.description == (
        "non-enhancing: 2 labels before and 1 after the gates, in 2 and 1 cells of size by place; "
        "1 cells emptied."
    )
    assert Image.open(io.BytesIO(chart.png)).width > 300


def test_gates_show_accepted_and_rejected_apart() -> None:
    chart = gates_chart(5, {"contour": 3, "lesion_whole": 0})
    assert chart.description == "Candidates: accepted 5, contour 3, lesion whole 0."
    assert {BLUE, VERMILLION} <= colours(chart.png)


def test_nothing_global_is_touched() -> None:
    before = dict(matplotlib.rcParams)
    first = loss_chart("kl", [0, 1], [1.0, 2.0]).png
    assert dict(matplotlib.rcParams) == before
    assert loss_chart("kl", [0, 1], [1.0, 2.0]).png == first


def test_curves_need_a_step_a_value() -> None:
    for steps, values in (([], []), ([0], [1.0, 2.0])):
        with pytest.raises(MedSynthError, match="as many steps"):
            loss_chart("kl", steps, values)
