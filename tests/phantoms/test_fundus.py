"""The phantom fundus: anatomy, files, resumption, mistakes."""

import numpy as np
import pytest
from PIL import Image

from tf_medsynth.phantoms import phantom
from tf_medsynth.phantoms.fields import stream
from tf_medsynth.phantoms.fundus_photograph import photograph
from tf_medsynth.phantoms.fundus_vessels import draw_eye, draw_vessels
from tf_medsynth.types import MedSynthError

SIZE = 128


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    out = tmp_path_factory.mktemp("fundus") / "cohort"
    return out, phantom(patients=2, size=SIZE, seed=1, out=out, organ="retina")


def content(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def pixels(path, mode):
    with Image.open(path) as opened:
        return np.asarray(opened.convert(mode))


def test_files_are_named_and_typed_as_those_of_drive(cohort):
    out, paths = cohort
    assert [path.relative_to(out).as_posix() for path in paths] == [
        "training/images/01_training.tif",
        "training/images/02_training.tif",
    ]
    label = pixels(out / "training/1st_manual/01_manual1.gif", "L")
    mask = pixels(out / "training/mask/01_training_mask.gif", "L")
    image = pixels(paths[0], "RGB")
    assert image.shape == (*label.shape, 3) == (*mask.shape, 3) and image.dtype == np.uint8
    assert set(np.unique(label)) == set(np.unique(mask)) == {0, 255}


def test_vessels_are_dark_lie_in_the_field_and_are_as_many_as_in_annotations():
    taken = photograph(7, 0, 292)
    assert not taken.label[~taken.field_of_view].any()
    assert 0.06 < taken.label[taken.field_of_view].mean() < 0.2
    green = taken.image[..., 1].astype(float)
    disc_free = taken.field_of_view & (green < np.percentile(green[taken.field_of_view], 95))
    assert green[disc_free & taken.label].mean() < green[disc_free & ~taken.label].mean() - 3
    assert taken.image[~taken.field_of_view].max() < 60


def test_an_eye_is_the_same_at_every_size():
    small, large = photograph(3, 1, 128), photograph(3, 1, 256)
    halved = large.image[: 2 * 128, : 2 * small.image.shape[1]].astype(float)
    halved = halved.reshape(128, 2, -1, 2, 3).mean(axis=(1, 3))
    inside = small.field_of_view
    assert np.abs(halved[inside] - small.image[inside].astype(float)).mean() < 6


def test_no_vessel_crosses_the_fovea_and_each_gets_thinner():
    for number in range(3):
        eye = draw_eye(stream(5, number, "eye"))
        vessels = draw_vessels(stream(5, number, "vessels"), eye)
        assert len(vessels) > 40 and {v.artery for v in vessels} == {True, False}
        assert min(np.hypot(*(v.points - eye.macula).T).min() for v in vessels) > 0.09
        assert all((np.diff(v.radii) <= 0).all() for v in vessels)


def test_eyes_do_not_depend_on_how_many_they_are(cohort, tmp_path):
    alone = phantom(patients=1, size=SIZE, seed=1, out=tmp_path, organ="retina")
    assert alone[0].read_bytes() == cohort[1][0].read_bytes() != cohort[1][1].read_bytes()


def test_what_is_there_is_kept_and_another_cohort_is_not_mixed_in(cohort):
    out, paths = cohort
    before = content(out)
    assert phantom(patients=1, size=SIZE, seed=1, out=out, organ="retina") == paths[:1]
    assert content(out) == before
    with pytest.raises(MedSynthError, match="must not hold another cohort"):
        phantom(patients=1, size=SIZE, seed=2, out=out, organ="retina")


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"patients": 0}, "patients must be positive"),
        ({"size": 63}, r"size lies in 64 \.\. 4096"),
        ({"seed": -1}, "not be negative"),
        ({"organ": "liver"}, "Known: brain, retina"),
    ],
)
def test_bad_requests_stop_before_any_work(tmp_path, changed, rule):
    wrong = {"patients": 1, "size": SIZE, "seed": 0, "out": tmp_path / "out", "organ": "retina"} | changed
    with pytest.raises(MedSynthError, match=rule):
        phantom(**wrong)
    assert not list(tmp_path.rglob("*.tif"))
