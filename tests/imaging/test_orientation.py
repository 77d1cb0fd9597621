"""Every volume can be brought to one orientation and back, and no voxel changes its place in mm."""

import itertools

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from tf_medsynth.imaging.orientation import (
    axis_codes,
    canonical,
    canonical_header,
    reoriented,
    turn_of,
)
from tf_medsynth.imaging.volumes import Volume, geometry_differences
from tf_medsynth.types import MedSynthError

CODES = [
    "".join(way)
    for axes in itertools.permutations(("LR", "PA", "SI"))
    for way in itertools.product(*axes)
]  # fmt: skip


def _volume(direction=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)) -> Volume:
    array = np.random.default_rng(0).integers(0, 999, (3, 4, 5)).astype(np.int16)
    origin = tuple(float(np.float32(v)) for v in (-10.3, 20.7, 7.1))  # as a NIfTI header holds it
    return Volume(array, (3.0, 2.0, 1.5), origin, direction)


def _oblique(degrees: float) -> tuple[float, ...]:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    return tuple(float(v) for v in turn.ravel())


def _itk(volume: Volume) -> sitk.Image:
    image = sitk.GetImageFromArray(volume.array)
    image.SetSpacing(volume.spacing[::-1])
    image.SetOrigin(volume.origin)
    image.SetDirection(volume.direction)
    return image


@pytest.mark.parametrize("direction", [_volume().direction, _oblique(17)])
@pytest.mark.parametrize("codes", CODES)
def test_reoriented_is_what_itk_makes_of_it_and_canonical_leads_back(codes, direction):
    volume = _volume(direction)
    out = reoriented(volume, codes)
    expected = sitk.DICOMOrient(_itk(volume), codes)
    np.testing.assert_array_equal(out.array, sitk.GetArrayFromImage(expected))
    np.testing.assert_allclose(out.origin, expected.GetOrigin(), atol=1e-6)
    np.testing.assert_allclose(out.direction, expected.GetDirection(), atol=1e-12)
    assert out.spacing[::-1] == pytest.approx(expected.GetSpacing())
    assert axis_codes(out.direction) == codes
    back = canonical(out)
    np.testing.assert_array_equal(back.array, volume.array)
    assert back.header == volume.header == canonical_header(out.header)


@pytest.mark.parametrize("codes", ["RAS", "PIR", "SLA"])
def test_nibabel_agrees_on_codes_and_voxels(codes):
    volume = _volume()
    ras = np.eye(4)
    ras[:3, :3] = np.diag([-1, -1, 1]) @ np.diag(volume.spacing[::-1])
    ours = nibabel.orientations.io_orientation(ras)
    turn = nibabel.orientations.ornt_transform(ours, nibabel.orientations.axcodes2ornt(tuple(codes)))
    image = nibabel.Nifti1Image(volume.array.T, ras).as_reoriented(turn)
    assert "".join(nibabel.aff2axcodes(image.affine)) == codes
    np.testing.assert_array_equal(reoriented(volume, codes).array, np.asanyarray(image.dataobj).T)


def test_a_canonical_volume_is_returned_itself():
    volume = _volume()
    assert canonical(volume) is volume
    oblique = _volume(_oblique(17))
    assert axis_codes(oblique.direction) == "LPS" and canonical(oblique) is oblique


def test_a_label_can_be_turned_as_its_image_was():
    image = reoriented(_volume(), "PIR")
    label = image.array > 500  # its header is lost, its voxels lie as the image's
    np.testing.assert_array_equal(turn_of(image.direction).apply(label), canonical(image).array > 500)


def test_two_axes_that_lean_the_same_way_get_different_letters():
    matrix = np.array([[0.8, 0.7, 0.0], [-0.6, 0.7, 0.0], [0.0, 0.0, -1.0]])
    assert axis_codes(tuple(matrix.ravel())) == "LPI"


@pytest.mark.parametrize("codes", ["", "LPX", "LRS", "LLS", "LPSS", "lps"])
def test_what_is_no_orientation_is_refused(codes):
    with pytest.raises(MedSynthError, match="three letters"):
        reoriented(_volume(), codes)


def test_a_direction_that_spans_no_space_is_refused():
    with pytest.raises(MedSynthError, match="spans space"):
        axis_codes((1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0))


def test_numbers_that_fit_no_32_bit_header_come_back_to_the_last_digit():
    volume = Volume(np.zeros((3, 4, 5), np.int16), (0.1, 1 / 3, 0.7), (np.pi, -np.e * 100, 1e-3), _oblique(9))
    back = canonical(reoriented(volume, "IRA"))
    assert not geometry_differences(volume.header, back.header)
    np.testing.assert_allclose(back.origin, volume.origin, rtol=0, atol=1e-12)
