"""Volumes in files: lossless both ways, one geometry whatever the format, damage is noticed."""

import re

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from tf_medsynth.imaging.volumes import (
    Volume,
    geometry_differences,
    read_header,
    read_volume,
    write_volume,
)
from tf_medsynth.types import MedSynthError

# a quarter turn about z: rows of the image run along the patient's x
TURNED = (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)


def _volume(dtype=np.int16) -> Volume:
    low, high = (-32768, 32767) if dtype == np.int16 else (0, 200)
    array = np.random.default_rng(0).integers(low, high, (4, 6, 5), endpoint=True).astype(dtype)
    array.flat[:2] = low, high
    return Volume(array, spacing=(3.0, 2.0, 1.5), origin=(-10.0, 20.5, 7.0), direction=TURNED)


@pytest.mark.parametrize("suffix", [".mha", ".nii", ".nii.gz"])
@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.uint16, np.float32])
def test_round_trip_keeps_voxels_type_and_geometry(tmp_path, suffix, dtype):
    volume = _volume(dtype)
    write_volume(volume, tmp_path / f"v{suffix}")
    back = read_volume(tmp_path / f"v{suffix}")
    assert back.array.dtype == dtype
    np.testing.assert_array_equal(back.array, volume.array)
    assert not geometry_differences(volume.header, back.header)
    assert read_header(tmp_path / f"v{suffix}") == back.header
    assert [p.name for p in tmp_path.iterdir()] == [f"v{suffix}"]


def test_nifti_geometry_is_the_one_itk_reads(tmp_path):
    write_volume(_volume(), tmp_path / "v.nii.gz")
    itk = sitk.ReadImage(str(tmp_path / "v.nii.gz"))
    ours = read_volume(tmp_path / "v.nii.gz")
    np.testing.assert_array_equal(ours.array, sitk.GetArrayFromImage(itk))
    np.testing.assert_allclose(ours.spacing, itk.GetSpacing()[::-1], rtol=1e-6)
    np.testing.assert_allclose(ours.origin, itk.GetOrigin(), rtol=1e-6)
    np.testing.assert_allclose(ours.direction, itk.GetDirection(), atol=1e-6)


def test_ras_affine_becomes_lps_and_scaling_is_applied(tmp_path):
    voxels = np.arange(24, dtype=np.int16).reshape(2, 3, 4)  # (x, y, z) as NIfTI stores them
    affine = np.array([[-1, 0, 0, 0], [0, -1, 0, 239], [0, 0, 1, 0], [0, 0, 0, 1]])
    image = nibabel.Nifti1Image(voxels, affine)
    image.header.set_slope_inter(0.5, 1.0)
    nibabel.save(image, tmp_path / "v.nii")
    volume = read_volume(tmp_path / "v.nii")
    assert volume.origin == (0.0, -239.0, 0.0)
    assert volume.direction == (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    assert read_header(tmp_path / "v.nii").dtype == "float64" == str(volume.array.dtype)
    assert volume.array[3, 2, 1] == 0.5 * voxels[1, 2, 3] + 1.0


@pytest.mark.parametrize("suffix", [".mha", ".nii", ".nii.gz"])
@pytest.mark.parametrize("keep", [0.0, 0.1, 0.6, 0.99])
def test_a_truncated_file_is_named(tmp_path, suffix, keep):
    path = tmp_path / f"broken{suffix}"
    array = np.random.default_rng(0).integers(0, 999, (9, 16, 16)).astype(np.int16)
    write_volume(Volume(array), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(MedSynthError, match=f"whole.*broken{suffix}") as caught:
        read_volume(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".mha", ".nii.gz"])
def test_a_flipped_bit_in_compressed_voxels_is_noticed(tmp_path, suffix):
    path = tmp_path / f"v{suffix}"
    write_volume(Volume(np.random.default_rng(0).integers(0, 999, (9, 16, 16)).astype(np.int16)), path)
    content = bytearray(path.read_bytes())
    content[-200] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(MedSynthError, match="whole"):
        read_volume(path)


def test_plain_and_detached_metaimages_are_read(tmp_path):
    image = sitk.GetImageFromArray(_volume().array)
    sitk.WriteImage(image, str(tmp_path / "plain.mha"), useCompression=False)
    sitk.WriteImage(image, str(tmp_path / "detached.mhd"))
    for name in ("plain.mha", "detached.mhd"):
        np.testing.assert_array_equal(read_volume(tmp_path / name).array, _volume().array)
    (tmp_path / "detached.raw").unlink()
    with pytest.raises(MedSynthError, match=r"must exist.*detached\.raw"):
        read_volume(tmp_path / "detached.mhd")


def test_what_is_no_volume_is_refused(tmp_path):
    with pytest.raises(MedSynthError, match="must exist"):
        read_volume(tmp_path / "absent.nii")
    with pytest.raises(MedSynthError, match="ends in"):
        read_volume(tmp_path / "picture.png")
    nibabel.save(nibabel.Nifti1Image(np.zeros((2, 2, 2, 3), np.int16), np.eye(4)), tmp_path / "four.nii")
    with pytest.raises(MedSynthError, match="three axes"):
        read_volume(tmp_path / "four.nii")
    with pytest.raises(MedSynthError, match="32 bits"):
        write_volume(Volume(np.zeros((2, 2, 2), np.int64)), tmp_path / "wide.nii")
    assert not list(tmp_path.glob("*wide*"))


def test_differences_are_named():
    header = _volume().header
    other = Volume(np.zeros((4, 6, 6), np.int16), spacing=(3.0, 2.0, 1.0), direction=TURNED).header
    assert list(geometry_differences(header, other)) == ["shape", "spacing", "origin"]
    assert not geometry_differences(header, header)


def test_a_file_that_names_no_place_says_so(tmp_path):
    image = sitk.GetImageFromArray(np.arange(24, dtype=np.int16).reshape(2, 3, 4))
    lines = {"a.nrrd": b"space: left-posterior-superior\n", "a.mha": b"TransformMatrix = 1 0 0 0 1 0 0 0 1\n"}
    for name, line in lines.items():
        path = tmp_path / name
        sitk.WriteImage(image, str(path))
        assert read_header(path).placed and read_volume(path).placed
        content = path.read_bytes()
        assert line in content
        content = content.replace(line, b"")
        if name.endswith("nrrd"):  # without a space there are no directions in it either
            content = re.sub(rb"(space directions|space origin): .*\n", b"", content)
        path.write_bytes(content)
        assert not read_header(path).placed and not read_volume(path).placed


PARALLEL = np.array([[1.0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])


@pytest.mark.parametrize("affine", [np.full((4, 4), np.nan), np.diag([1.0, 1.0, 0.0, 1.0]), PARALLEL])
def test_an_affine_that_spans_no_space_is_refused(tmp_path, affine):
    image = nibabel.Nifti1Image(np.zeros((2, 3, 4), np.int16), np.eye(4))
    image.header.set_sform(affine, 2)
    image.header.set_slope_inter(1, 0)
    path = tmp_path / "a.nii"
    path.write_bytes(bytes(image.header.binaryblock) + bytes(4) + bytes(48))
    with pytest.raises(MedSynthError, match=r"must be whole.*a\.nii.*(affine|axes|spacing)"):
        read_header(path)
