from __future__ import annotations

import json
import math
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
import tensorflow_datasets as tfds

import tfds_builders  # noqa: F401  registers the name
from tests.generation.analytic import Ellipses, lesion
from tf_medsynth.cohorts.patient import read_patient
from tf_medsynth.cohorts.survey import find_patients
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.generation import GenerationConfig, Geometry, LesionGate
from tf_medsynth.generation import LabelPool, Spool, check_output, publish, stream
from tf_medsynth.generation.provenance import Provenance
from tf_medsynth.types import MedSynthError

SETTINGS = GenerationConfig(lesion=LesionGate(0.7, 0.5))
TURNED = (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
GEOMETRY = Geometry(spacing=(5.0, 1.5, 1.25), origin=(-10.0, 20.0, 30.5), direction=TURNED)


SHOWN = {"seg": "lesion_label", "structure": "structure_map", "mask": "background_mask"}


def filled(folder: Path, count: int) -> Spool:
    labels = np.stack([lesion(32, 16, 16, 4), lesion(32, 14, 18, 3)]).astype(np.uint8)
    return stream(Ellipses(flaws={1: "open", 4: "shift"}), LabelPool(labels), SETTINGS, 3, count, folder)


@pytest.fixture(scope="module")
def spool(tmp_path_factory) -> Spool:
    return filled(tmp_path_factory.mktemp("spool"), 12)


@pytest.fixture
def samples(spool) -> list[dict[str, np.ndarray]]:
    return list(spool.samples(5))


def test_tfds_loads_by_name_and_without_the_package(tmp_path, spool, samples):
    publish(spool, tmp_path / "out", "tfds", 5)
    by_name = tfds.load("medsynth_synthetic", split="train", data_dir=tmp_path / "out")
    version = next((tmp_path / "out" / "medsynth_synthetic").iterdir())
    alone = tfds.builder_from_directory(version).as_dataset(split="train")
    for read in (by_name, alone):
        examples = list(tfds.as_numpy(read))
        assert len(examples) == 5
        for example, sample in zip(examples, samples, strict=True):
            np.testing.assert_array_equal(example["images"], sample["images"])
            assert example["sample_index"] == sample["sample_index"]


@pytest.mark.parametrize("form", ["tfds", "nifti", "mha"])
def test_the_same_bytes_whatever_the_spool_has_been_through(tmp_path, spool, form, contents):
    longer = filled(tmp_path / "longer", 30)
    publish(spool, tmp_path / "one", form, 5)
    publish(longer.folder, tmp_path / "two", form, 5)
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name]] == []


def test_nifti_holds_pixels_and_geometry(tmp_path, spool, samples):
    publish(spool, tmp_path / "out", "nifti", 5, GEOMETRY)
    folder = sorted(path for path in (tmp_path / "out").iterdir() if path.is_dir())[0]
    image = nibabel.load(folder / f"{folder.name}_t1ce.nii.gz")
    assert (image.dataobj.slope, image.dataobj.inter) == (1, 0)
    voxels = np.asarray(image.dataobj)
    assert voxels.dtype == np.int16
    np.testing.assert_allclose(voxels[..., 0].T / 10_000, samples[0]["images"][..., 2], atol=0.5e-4 + 1e-7)
    # LPS to RAS: x and y change sign. Columns are the voxel axes i, j, k.
    expected = [[0, 1.5, 0, 10], [-1.25, 0, 0, -20], [0, 0, 5, 30.5], [0, 0, 0, 1]]
    np.testing.assert_allclose(image.affine, expected, atol=1e-6)


def test_mha_holds_pixels_and_geometry(tmp_path, spool, samples):
    publish(spool, tmp_path / "out", "mha", 5, GEOMETRY)
    folder = sorted(path for path in (tmp_path / "out").iterdir() if path.is_dir())[0]
    for suffix, name in SHOWN.items():
        image = sitk.ReadImage(str(folder / f"{folder.name}_{suffix}.mha"))
        np.testing.assert_array_equal(sitk.GetArrayFromImage(image)[0], samples[0][name][..., 0])
        assert image.GetSpacing() == (1.25, 1.5, 5.0)
        assert image.GetOrigin() == GEOMETRY.origin
        assert image.GetDirection() == TURNED


@pytest.mark.parametrize("form", ["nifti", "mha"])
def test_our_own_reader_reads_volume_files_back(tmp_path, spool, samples, form):
    publish(spool, tmp_path / "out", form, 5, GEOMETRY)
    patients = find_patients(tmp_path / "out")
    assert len(patients) == 5
    patient = read_patient(patients[0])

    def turned(
        plane: np.ndarray,
    ) -> np.ndarray:  # columns run to the back, rows to the right: kept as BraTS keeps them
        return np.rot90(plane, -1)

    np.testing.assert_array_equal(patient.label[0], turned(samples[0]["lesion_label"][..., 0]))
    for number, modality in enumerate(BRAIN_MRI.modalities):
        wanted = turned(np.rint(samples[0]["images"][..., number] * 10_000.0))
        assert patients[0].images[modality].exists()
        np.testing.assert_allclose(patient.images[number][0], wanted, atol=1)


def test_summary_counts_what_the_records_say(tmp_path, spool):
    summary = publish(spool, tmp_path / "out", "mha", 12)
    records = [json.loads(line) for line in (tmp_path / "out" / "records.jsonl").read_text().splitlines()]
    assert json.loads((tmp_path / "out" / "summary.json").read_text()) == summary
    assert summary["candidates"] == len(records) == records[-1]["k"] + 1
    assert summary["count"] == sum(record["accepted"] for record in records) == 12
    assert math.isclose(summary["acceptance_rate"], 12 / len(records), abs_tol=1e-6)
    for reason in ("contour", "registration"):
        assert summary["rejected"][reason] == sum(record["reason"] == reason for record in records) > 0
    labelled = sum(bool(record["lesion_centroid"]) for record in records)
    cells = summary["coverage"]["before"]["whole"]
    assert sum(sum(places.values()) for places in cells.values()) == labelled > 12
    assert summary["coverage"]["cells"]["after"] <= summary["coverage"]["cells"]["before"]
    shifts = [r["scores"]["registration_shift_px"] for r in records if r["accepted"]]
    assert summary["scores"]["accepted"]["registration_shift_px"]["max"] == max(shifts)


def test_the_card_tells_model_seed_command_and_gates(tmp_path, spool):
    publish(spool, tmp_path / "out", "nifti", 2, provenance=Provenance("medsynth generate --seed 3"))
    card = (tmp_path / "out" / "README.md").read_text()
    for fact in ("`ellipses`, 3", "medsynth generate --seed 3", ">= 0.7", "10000 x image", "OUTSIDE"):
        assert fact in card


def test_an_earlier_set_is_replaced_and_a_stranger_s_folder_is_not(tmp_path, spool):
    out = tmp_path / "out"
    publish(spool, out, "mha", 2)
    publish(spool, out, "mha", 3)
    assert len([path for path in out.iterdir() if path.is_dir()]) == 3
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("irreplaceable")
    with pytest.raises(MedSynthError, match="new, empty, or an earlier generated set"):
        check_output(tmp_path / "mine")
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(MedSynthError, match=r"--out is a folder|can be written to"):
            publish(spool, place, "mha", 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "mine", "out"]


@pytest.mark.parametrize("form", ["tfds", "mha"])
def test_a_failure_leaves_nothing_half_written(tmp_path, spool, form):
    with pytest.raises(MedSynthError, match="must hold the samples"):
        publish(spool, tmp_path / "out", form, 999)
    assert not list(tmp_path.iterdir())
