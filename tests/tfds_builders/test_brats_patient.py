"""Rules of a patient's files: what breaks one is named in one line, before anything is written."""

import numpy as np
import pytest

from tests.cohorts import rewrite, write_patient
from tf_medsynth.config.datasets import BratsSettings
from tf_medsynth.data.doctor import doctor
from tf_medsynth.imaging.volumes import read_volume
from tf_medsynth.types import MedSynthError
from tfds_builders.brats.cohort import check_voxels, read_cohort

ALL_TRAIN = BratsSettings(size=(24, 24), row_range=(0, 240), column_range=(0, 240), test_fraction=0.0)


def _edit(kind, change):
    def edit(arrays):
        arrays[kind] = change(arrays[kind])

    return edit


def _with(array, value):
    array = array.copy() if isinstance(value, int) else array.astype(np.float32)
    array[6, 12, 12] = value
    return array


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (_edit("T2", lambda a: _with(a, np.nan)), "finite numbers.*_t2"),
        (_edit("T1", lambda a: a / np.float32(1000)), "whole numbers.*_t1.*round a normalised"),
        (_edit("T1c", lambda a: a.astype(np.int32) * 100), "fit 16 bits.*_t1ce.*range="),
        (_edit("Flair", lambda a: a[1:]), "share one grid.*_flair.*shape="),
        (_edit("Flair", np.zeros_like), "not constant.*_flair"),
        (_edit("T1", lambda a: np.minimum(-a, 0)), "values above 0.*_t1"),
        (_edit("label", lambda a: _with(a, 7)), r"codes 0, 1, 2, 4.*_seg.*unknown=\[7\]"),
        (_edit("label", lambda a: _with(a, 1.5)), "whole numbers.*_seg"),
        (_edit("label", lambda a: a[:, 1:]), "its patient's grid.*_seg.*another patient"),
        (_edit("label", lambda a: np.roll(a, 12, axis=2)), "the patient's brain.*_seg.*another patient"),
    ],
)
def test_what_breaks_a_rule_is_named_in_one_line(tmp_path, edit, message):
    write_patient(tmp_path, edit=edit)
    with pytest.raises(MedSynthError, match=message) as caught:
        check_voxels(read_cohort(tmp_path, ALL_TRAIN, "1.0.0"))
    assert "\n" not in str(caught.value)
    assert doctor(tmp_path).exit_status == 2  # what the builder refuses the doctor has called unusable


def test_a_label_with_another_origin_passes_only_where_it_fits_the_brain(tmp_path):
    files = write_patient(tmp_path)
    rewrite(files["label"], origin=(0.0, 0.0, 0.0))
    (remark,) = check_voxels(read_cohort(tmp_path, ALL_TRAIN, "1.0.0"))
    assert "another origin" in remark and "BraTS2021_00001" in remark
    rewrite(files["label"], np.roll(read_volume(files["label"]).array, 12, axis=2))
    with pytest.raises(MedSynthError, match=r"the patient's brain.*another patient"):
        check_voxels(read_cohort(tmp_path, ALL_TRAIN, "1.0.0"))
    files["label"].unlink()
    with pytest.raises(MedSynthError, match="needs a lesion label"):
        check_voxels(read_cohort(tmp_path, ALL_TRAIN, "1.0.0"))


def test_without_a_size_another_grid_is_refused(tmp_path):
    write_patient(tmp_path)
    with pytest.raises(MedSynthError, match=r"240 x 240.*BraTS2021_00001.*slices_64"):
        check_voxels(read_cohort(tmp_path, BratsSettings(test_fraction=0.0), "1.0.0"))
