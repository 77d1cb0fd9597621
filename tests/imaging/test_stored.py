"""Every volume format: what the established reader makes of a file, ours makes; no byte more is unpacked."""

import gzip
import itertools
import re
import tracemalloc
import zlib

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from tf_medsynth.imaging.volumes import Volume, read_header, read_volume, write_volume
from tf_medsynth.types import MedSynthError

ARRAY = np.random.default_rng(0).integers(-900, 900, (4, 6, 5)).astype(np.int16)


def _oblique() -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]


def _image(dtype: type = np.int16) -> sitk.Image:
    image = sitk.GetImageFromArray(ARRAY.astype(dtype))
    image.SetSpacing((0.5, 1.25, 3.0))
    image.SetOrigin((-10.0, 20.5, 7.25))
    image.SetDirection(_oblique().ravel().tolist())
    return image


def _same_as_itk(path) -> None:
    ours, itk = read_volume(path), sitk.ReadImage(str(path))
    np.testing.assert_array_equal(ours.array, sitk.GetArrayFromImage(itk))
    assert ours.array.dtype == sitk.GetArrayFromImage(itk).dtype
    np.testing.assert_allclose(ours.spacing[::-1], itk.GetSpacing(), rtol=1e-12)
    np.testing.assert_allclose(ours.origin, itk.GetOrigin(), rtol=1e-12)
    np.testing.assert_allclose(ours.direction, itk.GetDirection(), atol=1e-12)
    assert read_header(path) == ours.header


KINDS = [
    np.int8,
    np.uint8,
    np.int16,
    np.uint16,
    np.int32,
    np.uint32,
    np.int64,
    np.uint64,
    np.float32,
    np.float64,
]


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("name", ["v.mha", "v.mhd", "v.nrrd"])
@pytest.mark.parametrize("packed", [False, True])
def test_what_itk_writes_is_read_as_itk_reads_it(tmp_path, name, dtype, packed):
    sitk.WriteImage(_image(dtype), str(tmp_path / name), useCompression=packed)
    _same_as_itk(tmp_path / name)


@pytest.mark.parametrize(
    "change",
    [
        ("ElementSpacing", "ElementSize"),
        ("Offset", "Position"),
        ("Offset", "Origin"),
        ("TransformMatrix", "Rotation"),
        ("TransformMatrix", "Orientation"),
        ("BinaryDataByteOrderMSB = False", "BinaryDataByteOrderMSB = True"),
        ("BinaryDataByteOrderMSB", "ElementByteOrderMSB"),
        ("CompressedData = False", "CompressedData = F"),
        ("CompressedData = False\n", ""),
        ("ElementDataFile = LOCAL", "ElementDataFile = Local"),
        ("ElementDataFile", "HeaderSize = -1\nElementDataFile"),
        ("ElementDataFile", "Modality = MET_MOD_MR\nComment = a=b\nElementDataFile"),
    ],
)
def test_other_words_of_a_metaimage_header(tmp_path, change):
    path = tmp_path / "v.mha"
    sitk.WriteImage(_image(), str(path))
    content = path.read_bytes()
    assert change[0].encode() in content
    path.write_bytes(content.replace(change[0].encode(), change[1].encode(), 1))
    _same_as_itk(path)


@pytest.mark.parametrize("name", ["MET_LONG", "MET_ULONG"])
def test_a_long_has_four_bytes(tmp_path, name):
    path = tmp_path / "v.mha"
    sitk.WriteImage(_image(np.int32 if name == "MET_LONG" else np.uint32), str(path))
    path.write_bytes(re.sub(rb"MET_U?INT", name.encode(), path.read_bytes()))
    _same_as_itk(path)


@pytest.mark.parametrize("skipped", ["7", "-1"])
def test_a_header_of_its_own_in_the_voxel_file(tmp_path, skipped):
    path = tmp_path / "v.mhd"
    sitk.WriteImage(_image(), str(path))
    path.write_text(path.read_text().replace("ElementDataFile", f"HeaderSize = {skipped}\nElementDataFile"))
    (tmp_path / "v.raw").write_bytes(b"1234567" + ARRAY.tobytes())
    _same_as_itk(path)


@pytest.mark.parametrize(
    "space", ["left-posterior-superior", "RAS", "right-anterior-superior", "LAS", "scanner-xyz", None]
)
@pytest.mark.parametrize("endian", ["little", "big"])
def test_spaces_of_nrrd(tmp_path, space, endian):
    path = tmp_path / "v.nrrd"
    columns = (_oblique() * (0.5, 1.25, 3.0)).T
    vectors = " ".join(f"({','.join(map(repr, map(float, column)))})" for column in columns)
    place = f"space: {space}\nspace directions: {vectors}\nspace origin: (-10,20.5,7.25)\n"
    place = place if space else "spacings: 0.5 1.25 3\n"
    head = f"NRRD0005\r\n# a remark\ntype: int16\ndimension: 3\nsizes: 5 6 4\n{place}endian: {endian}\n"
    voxels = ARRAY.astype(ARRAY.dtype.newbyteorder(endian)).tobytes()
    path.write_bytes(f"{head}encoding: gz\na key:=a value\n\n".encode() + gzip.compress(voxels))
    _same_as_itk(path)
    assert read_volume(path).placed == bool(space)


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("dtype", KINDS)
def test_what_nibabel_writes_is_read_as_nibabel_reads_it(tmp_path, kind, suffix, dtype):
    affine = np.eye(4)
    affine[:3] = np.column_stack([_oblique() * (0.5, 1.25, 3.0), (1.0, 2.0, 3.0)])
    image = kind(ARRAY.T.astype(dtype), affine, dtype=dtype)
    path = tmp_path / f"v{suffix}"
    nibabel.save(image, path)
    back, ours = nibabel.load(path), read_volume(path)
    np.testing.assert_array_equal(ours.array.T, np.asanyarray(back.dataobj))
    assert ours.array.dtype == dtype and read_header(path) == ours.header
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ back.affine
    np.testing.assert_allclose(np.reshape(ours.direction, (3, 3)) * ours.spacing[::-1], lps[:3, :3])
    np.testing.assert_allclose(ours.origin, lps[:3, 3])
    assert not ours.doubts


def _nifti(tmp_path, order="<", slope=1.0, intercept=0.0, extra=b"", shape=None, array=ARRAY):
    """A NIfTI file by hand: order of bytes, a slope, an extension."""
    header = nibabel.Nifti1Header(endianness=order)
    header.set_data_dtype(array.dtype)
    header.set_data_shape(shape or array.T.shape)
    header.set_sform(np.eye(4), 1)
    header["scl_slope"], header["scl_inter"] = slope, intercept
    header["vox_offset"] = 352 + len(extra)
    path = tmp_path / "v.nii"
    voxels = array.astype(array.dtype.newbyteorder(order)).tobytes()
    path.write_bytes(header.binaryblock + (b"\1\0\0\0" if extra else bytes(4)) + extra + voxels)
    return path


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("slope", [1.0, 0.0, 0.37])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_slopes_and_orders_of_bytes_are_nibabel_s(tmp_path, order, slope, dtype):
    extra = np.array([32, 6], f"{order}i4").tobytes() + b"a remark".ljust(24)
    path = _nifti(tmp_path, order, slope, 5.5, extra, array=ARRAY.astype(dtype))
    wanted, ours = np.asanyarray(nibabel.load(path).dataobj), read_volume(path)
    np.testing.assert_array_equal(ours.array.T, wanted)
    assert ours.array.dtype == wanted.dtype.newbyteorder("=") == read_header(path).dtype
    assert ours.array.flags.writeable and ours.array.flags.c_contiguous


@pytest.mark.parametrize(
    ("shape", "channel"), [((5, 6, 2, 2), 1), ((5, 6, 2, 1, 2), 0), ((5, 6, 4, 1), None)]
)
def test_one_of_several_volumes(tmp_path, shape, channel):
    path = _nifti(tmp_path, shape=shape)
    wanted = np.asanyarray(nibabel.load(path).dataobj).squeeze()
    ours = read_volume(path, channel)
    np.testing.assert_array_equal(ours.array.T, wanted if channel is None else wanted[..., channel])
    whole = ours.array
    while whole.base is not None:
        whole = whole.base
    assert whole.nbytes == ours.array.nbytes  # the other volumes are let go
    assert read_header(path, channel) == ours.header


def test_gzip_in_members_and_with_padding_is_whole(tmp_path):
    content = _nifti(tmp_path).read_bytes()
    path = tmp_path / "v.nii.gz"
    path.write_bytes(gzip.compress(content[:100]) + gzip.compress(content[100:]) + bytes(700))
    np.testing.assert_array_equal(read_volume(path).array, ARRAY)
    assert read_header(path) == read_header(tmp_path / "v.nii")


@pytest.mark.parametrize("share", range(0, 100, 7))
@pytest.mark.parametrize("suffix", [".mha", ".nii.gz", ".nii"])
def test_any_flipped_bit_is_told_or_changes_one_thing(tmp_path, suffix, share):
    """Two reads are alike, and compressed voxels are those that were written."""
    path = tmp_path / f"v{suffix}"
    write_volume(Volume(ARRAY), path)
    content = bytearray(path.read_bytes())
    for bit in range(8):
        spoilt = bytearray(content)
        spoilt[share * len(content) // 100] ^= 1 << bit
        path.write_bytes(spoilt)
        try:
            first, again = read_volume(path), read_volume(path)
        except MedSynthError as error:
            assert "\n" not in str(error)
            continue
        np.testing.assert_array_equal(first.array, again.array)
        assert first.array.size == ARRAY.size
        assert suffix == ".nii" or sorted(first.array.ravel()) == sorted(ARRAY.ravel())


ZEROS = bytes(16 << 20)


def _mha_bomb(tmp_path):
    path = tmp_path / "v.mha"
    sitk.WriteImage(_image(), str(path), useCompression=False)
    head = path.read_bytes().replace(b"CompressedData = False", b"CompressedData = True")
    head = head[: -ARRAY.nbytes]
    path.write_bytes(head + zlib.compress(ARRAY.tobytes() + ZEROS))
    return path


def _gz_bomb(tmp_path):
    path = tmp_path / "v.nii.gz"
    path.write_bytes(gzip.compress(_nifti(tmp_path).read_bytes() + ZEROS, 1))
    return path


@pytest.mark.parametrize("make", [_mha_bomb, _gz_bomb])
def test_no_more_is_unpacked_than_the_header_says(tmp_path, make):
    path = make(tmp_path)
    tracemalloc.start()
    try:
        with pytest.raises(MedSynthError, match="more than the"):
            read_volume(path)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_a_header_beyond_all_bounds_takes_no_memory(tmp_path):
    path = tmp_path / "v.mha"
    sitk.WriteImage(_image(), str(path), useCompression=True)
    for size, told in (("512 512 900", "cannot unpack"), ("3000 3000 3000", "at most 1024 MiB")):
        path.write_bytes(re.sub(rb"DimSize = [\d ]+", b"DimSize = " + size.encode(), path.read_bytes()))
        tracemalloc.start()
        with pytest.raises(MedSynthError, match=told):
            read_volume(path)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
        tracemalloc.stop()


@pytest.mark.parametrize(("shift", "told"), [(0.0, False), (0.4, False), (0.6, True)])
def test_a_header_with_two_places_says_so(tmp_path, shift, told):
    image = nibabel.Nifti1Image(ARRAY.T, np.eye(4))
    image.set_qform(np.eye(4), 1)
    moved = np.eye(4)
    moved[1, 3] = shift
    image.set_sform(moved, 1)
    nibabel.save(image, tmp_path / "v.nii.gz")
    volume = read_volume(tmp_path / "v.nii.gz")
    assert bool(volume.doubts) == told and volume.origin[1] == pytest.approx(-shift)
    assert not told or "0.6 mm apart" in volume.doubts[0]


def test_truth_has_few_words_and_all_are_tried(tmp_path):
    path = tmp_path / "v.mha"
    sitk.WriteImage(_image(), str(path))
    content = path.read_bytes()
    for word, case in itertools.product(("false", "f", "0"), (str.lower, str.upper, str.title)):
        path.write_bytes(
            content.replace(b"CompressedData = False", b"CompressedData = " + case(word).encode())
        )
        np.testing.assert_array_equal(read_volume(path).array, ARRAY)
