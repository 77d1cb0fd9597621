"""Examples of one patient: what is stored is what the files hold, and lies where they say."""

import numpy as np
import SimpleITK as sitk

from tests.patients import paths, rewrite, volumes, write_patient
from tf_medsynth.cohorts.patient import read_patient
from tf_medsynth.cohorts.survey import find_patients
from tf_medsynth.config.datasets import BratsSettings
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.imaging.volumes import read_volume
from tfds_builders.brats.examples import crop_box, patient_examples

CROPPED = BratsSettings(slice_range=(50, 105), row_range=(40, 200), column_range=(60, 180), size=(16, 12))
ALL_TRAIN = BratsSettings(size=(24, 24), row_range=(0, 240), column_range=(0, 240), test_fraction=0.0)


def _examples(folder, settings):
    (files,) = find_patients(folder)
    return dict(patient_examples(read_patient(files, settings), settings))


def test_the_published_crop_is_bit_exact(tmp_path):
    files = write_patient(tmp_path, shape=(10, 240, 240))
    examples = _examples(tmp_path, BratsSettings(copied_modalities=True))  # blobs differ in contrast alone
    assert list(examples) == [f"BraTS2021_00001_{z:03d}" for z in range(3, 7)]
    for index, modality in enumerate(BRAIN_MRI.modalities):
        voxels = read_volume(files[modality]).array
        for z, example in zip(range(3, 7), examples.values(), strict=True):
            assert example["slice_index"] == z
            np.testing.assert_array_equal(example["images"][..., index], voxels[z, 38:222, 48:192])
    label = read_volume(files["label"]).array
    np.testing.assert_array_equal(np.unique(label), np.unique([e["lesion_label"] for e in examples.values()]))


def test_resizing_averages_areas_and_keeps_label_codes(tmp_path):
    files = write_patient(tmp_path, layout="brats2015", name="p")
    half = BratsSettings(row_range=(0, 240), column_range=(0, 240), size=(12, 12))
    example = _examples(tmp_path, half)["p_005"]
    t1 = read_volume(files["T1"]).array[5].astype(float)
    blocks = t1.reshape(12, 2, 12, 2).mean(axis=(1, 3))
    assert np.abs(example["images"][..., 0] - blocks).max() <= 0.5
    label = read_volume(files["label"]).array[5].reshape(12, 2, 12, 2)
    stored = example["lesion_label"][..., 0]
    assert (label == stored[:, None, :, None]).any(axis=(1, 3)).all()


def test_codes_of_each_year_become_the_same_classes(tmp_path):
    classes = []
    for layout in ("brats2015", "brats2017", "brats2023"):
        write_patient(tmp_path / layout, name="p", layout=layout)
        examples = _examples(tmp_path / layout, ALL_TRAIN)
        classes.append(np.stack([example["lesion_label"] for example in examples.values()]))
    assert set(np.unique(classes[0])) == {0, 1, 2, 4}
    np.testing.assert_array_equal(classes[0], classes[1])
    np.testing.assert_array_equal(classes[0], classes[2])


def test_pixels_lie_where_itk_says(tmp_path):
    turn = np.radians(8)
    oblique = (np.cos(turn), -np.sin(turn), 0.0, np.sin(turn), np.cos(turn), 0.0, 0.0, 0.0, 1.0)
    for path in write_patient(tmp_path, layout="brats2015", name="p").values():
        rewrite(path, spacing=(3.0, 0.9, 0.9), origin=(5.0, -6.0, 7.0), direction=oblique)
    example = _examples(tmp_path, CROPPED)["p_004"]
    image = sitk.ReadImage(str(paths(tmp_path, "p", "brats2015")["T1"]))
    # rows 4..20 of 24 become 16 pixels of 1 voxel, columns 6..18 become 12 pixels of 1 voxel
    expected = image.TransformContinuousIndexToPhysicalPoint((6.0, 4.0, 4.0))
    np.testing.assert_allclose(example["origin"], expected, rtol=1e-6)
    np.testing.assert_allclose(example["spacing"], (3.0, 0.9, 0.9), rtol=1e-6)
    coarse = _examples(tmp_path, CROPPED.override({"size": (8, 4)}))["p_004"]
    expected = image.TransformContinuousIndexToPhysicalPoint((7.0, 4.5, 4.0))
    np.testing.assert_allclose(coarse["origin"], expected, rtol=1e-6)
    np.testing.assert_allclose(coarse["spacing"], (3.0, 1.8, 2.7), rtol=1e-6)


def test_a_grid_that_is_not_square_is_not_squeezed(tmp_path):
    square = BratsSettings(row_range=(24, 216), column_range=(24, 216), size=(32, 32), test_fraction=0.0)
    write_patient(tmp_path, shape=(12, 66, 54))  # MNI's field of view, 218 x 182 mm
    files = find_patients(tmp_path)[0]
    header = read_patient(files).header
    _, rows, columns = crop_box(header, square, "p")
    assert rows == (7, 59) and columns == (1, 54)  # 52 x 53 voxels; in proportion they were 52 x 44
    example = next(iter(_examples(tmp_path, square).values()))
    np.testing.assert_allclose(example["spacing"][1], example["spacing"][2], rtol=0.02)
    thin = BratsSettings(row_range=(0, 240), column_range=(0, 240), size=(33, 33), test_fraction=0.0)
    _, rows, columns = crop_box(header, thin, "p")
    assert rows == (0, 66) and columns == (-6, 60)  # wider than the volume
    stored = next(iter(_examples(tmp_path, thin).values()))["images"]
    assert not stored[:, :3].any() and not stored[:, -3:].any() and stored.any()


def _one_slice(arrays):
    whole = volumes()
    for kind, array in whole.items():
        arrays[kind] = array[6:7]


def test_samples_of_our_own_are_not_cropped_again(tmp_path):
    write_patient(tmp_path, name="medsynth_0_00000003", shape=(1, 24, 24), edit=_one_slice)
    square = BratsSettings(row_range=(24, 216), column_range=(24, 216), size=(24, 24), test_fraction=0.0)
    (files,) = find_patients(tmp_path)
    volumes = read_patient(files)
    (example,) = _examples(tmp_path, square).values()
    for index, image in enumerate(volumes.images):
        np.testing.assert_array_equal(example["images"][..., index], image[0])
    np.testing.assert_array_equal(example["lesion_label"][..., 0], volumes.label[0])
    flat = square.override({"size": (24, 36)})
    (padded,) = _examples(tmp_path, flat).values()
    np.testing.assert_array_equal(padded["images"][:, 6:30], example["images"])


def test_statistics_are_of_the_whole_volume_above_zero(tmp_path):
    files = write_patient(tmp_path)
    example = next(iter(_examples(tmp_path, CROPPED).values()))
    voxels = read_volume(files["Flair"]).array.astype(float)
    inside = voxels[voxels > 0]
    assert example["intensity_max"][3] == voxels.max() and example["intensity_min"][3] == 0
    np.testing.assert_allclose(example["intensity_mean"][3], inside.mean(), rtol=1e-5)
    np.testing.assert_allclose(example["intensity_std"][3], inside.std(), rtol=1e-5)
    np.testing.assert_allclose(example["intensity_p995"][3], np.percentile(inside, 99.5), rtol=1e-5)


def test_stacks_and_volumes_hold_the_same_pixels_as_slices(tmp_path):
    write_patient(tmp_path)
    slices = list(_examples(tmp_path, CROPPED).values())
    stacks = list(_examples(tmp_path, CROPPED.override({"form": "stacks"})).values())
    (volume,) = _examples(tmp_path, CROPPED.override({"form": "volumes"})).values()
    assert volume["images"].shape == (4, 16, 12, 4) and volume["slice_index"] == 4
    assert stacks[0]["origin"][2] == slices[0]["origin"][2] - 1 == volume["origin"][2] - 1
    for z in range(4):
        assert stacks[z]["images"].shape == (3, 16, 12, 4)
        np.testing.assert_array_equal(stacks[z]["images"][1], slices[z]["images"])
        np.testing.assert_array_equal(stacks[z]["lesion_label"], slices[z]["lesion_label"])
        np.testing.assert_array_equal(volume["images"][z], slices[z]["images"])
    np.testing.assert_array_equal(stacks[1]["images"][0], slices[0]["images"])
    whole = CROPPED.override({"form": "stacks", "slice_range": (0, 155)})
    assert [e["slice_index"] for e in _examples(tmp_path, whole).values()] == list(range(1, 11))


def test_slices_with_little_brain_can_be_left_out(tmp_path):
    write_patient(tmp_path)
    whole = ALL_TRAIN.override({"slice_range": (0, 155)})
    kept = _examples(tmp_path, whole.override({"min_brain_fraction": 0.3}))
    shares = [(e["images"] != 0).any(axis=-1).mean() for e in _examples(tmp_path, whole).values()]
    assert 0 < len(kept) == sum(share >= 0.3 for share in shares) < len(shares)


def test_whole_numbers_stored_as_floats_and_the_ends_of_16_bits_survive(tmp_path):
    def as_float(arrays):
        arrays["T1"] = arrays["T1"].astype(np.float32)

    def to_the_ends(arrays):
        arrays["T2"][5, 12, 11:13] = -32767, 32767

    write_patient(tmp_path / "int", edit=to_the_ends)
    write_patient(tmp_path / "float", edit=lambda arrays: (as_float(arrays), to_the_ends(arrays)))
    a, b = (_examples(tmp_path / kind, ALL_TRAIN)["BraTS2021_00001_005"] for kind in ("int", "float"))
    np.testing.assert_array_equal(a["images"], b["images"])
    assert (a["images"][..., 1].min(), a["images"][..., 1].max()) == (-32767, 32767)
