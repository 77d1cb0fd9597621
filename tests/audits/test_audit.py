"""The verb `audit` end to end: certificates of a generated set beside real slices, of folders, of a run."""

import json

import numpy as np
import pytest
from scipy import ndimage

import tf_medsynth
from tests.generation.analytic import parts
from tf_medsynth.audits.audit import audit
from tf_medsynth.cli.main import main
from tf_medsynth.cohorts.survey import find_patients
from tf_medsynth.config.generation import GenerationConfig
from tf_medsynth.generation import publish, stream
from tf_medsynth.imaging.volumes import Volume, read_volume, write_volume
from tf_medsynth.phantoms import phantom
from tf_medsynth.types import MedSynthError

UNFILTERED = GenerationConfig(filter=False)


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """Ten samples, of which every fifth has its Flair 2 px lower."""
    folder = tmp_path_factory.mktemp("generated")
    synthesiser, pool = parts(flaws={4: "shift"}, period=5)
    publish(stream(synthesiser, pool, UNFILTERED, 3, 10, folder / "spool"), folder / "set", "tfds", 10)
    return folder / "set"


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantoms")
    phantom(patients=1, size=64, seed=5, out=folder)
    return folder


def test_the_shifted_samples_are_found_and_the_certificate_is_kept(generated, tiny_dataset):
    done = audit("registration", generated, tiny_dataset.name, data_dir=tiny_dataset.data_dir)
    kept = json.loads((generated / "certificates" / "registration.json").read_text())
    far = {row["sample"] for row in kept["rows"] if row["shift_px"] > 1}
    shifted = {row["sample"] for row in kept["rows"] if int(row["sample"]) % 5 == 4}
    assert far == shifted and 0 < len(far) < 10
    assert all("Flair" in row["pair"] for row in kept["rows"] if row["sample"] in far)
    assert kept["shift_px"]["within"]["0.5"] == 1 - len(far) / 10
    assert kept["beside"]["samples"] == 32 and "rows" not in kept["beside"]
    assert set(kept["edge_overlap"]) == {"T1", "T2", "T1c", "Flair"}
    assert " | " in done.render() and str(generated) in done.render()


def test_a_phantom_folder_moved_by_a_known_shift(phantoms, tmp_path):
    put = np.array([1.3, -0.8])
    for patient in find_patients(phantoms):
        for modality, path in patient.images.items():
            volume = read_volume(path)
            array = volume.array
            if modality == "T2":
                array = ndimage.shift(array.astype(np.float64), (0, *put), order=3).clip(0).astype(np.int16)
            target = tmp_path / path.relative_to(phantoms)
            target.parent.mkdir(parents=True)
            write_volume(Volume(array, volume.spacing, volume.origin), target)
    still = audit("registration", phantoms, most=8).certificate
    moved = audit("registration", tmp_path, phantoms, most=8)
    assert moved.out is None and not (tmp_path / "certificates").exists()  # only read
    assert still["shift_px"]["p95"] < 0.5
    found = moved.certificate["pair_shift_px"]
    for pair in ("T1-T2", "T2-T1c", "T2-Flair"):
        assert found[pair]["median"] == pytest.approx(np.hypot(*put), abs=0.25)
    assert found["T1-T1c"]["p95"] < 0.5


def test_the_command_prints_json_and_refuses_in_one_line(generated, tmp_path, capsys):
    out = tmp_path / "certificate.json"
    words = ["audit", "registration", str(generated), "--most", "3", "--out", str(out), "--json"]
    assert main(words) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed.pop("out") == str(out)
    assert printed == json.loads(out.read_text())
    assert (len(printed["rows"]), printed["samples_in_target"]) == (3, 10)
    for wrong in (
        ["beauty", str(generated)],
        ["registration", str(tmp_path / "absent")],
        ["registration", str(generated), "--most", "0"],
    ):
        assert main(["audit", *wrong]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_sets_that_do_not_fit_are_refused(generated, phantoms):
    with pytest.raises(MedSynthError, match="unknown certificate"):
        tf_medsynth.audit("taste", generated)
    with pytest.raises(MedSynthError, match="one image size"):
        audit("registration", phantoms, generated)
