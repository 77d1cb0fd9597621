"""What a report is called; its page is tested in `evaluation`, and the whole way in `test_whole_run`."""

import pytest

from tf_medsynth.runs.report import title_of

CONFIG = {"data": "brats/slices_64/1.0.0", "preset": "tiny"}


@pytest.mark.parametrize(
    ("folder", "title"),
    [
        ("demo_out/run", "Synthetic patients of demo_out: brats/slices_64, preset tiny"),
        ("glioma-2", "Synthetic patients of glioma-2: brats/slices_64, preset tiny"),
    ],
)
def test_a_report_is_called_by_what_tells_its_run_from_others(tmp_path, folder, title):
    assert title_of(tmp_path / folder, CONFIG) == title
    without = {"data": CONFIG["data"]}
    assert title_of(tmp_path / folder, without) == title.removesuffix(", preset tiny")
