"""Patients by name: the bytes of the signatures, drawn lesions, and what a file of theirs holds."""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import shlex
import shutil
import zipfile

import nibabel
import numpy as np
import pytest
import tensorflow as tf

from tf_medsynth.cli.main import build_parser, main
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.lesion_shapes import LesionShape
from tf_medsynth.imaging.lesion_shapes import lesion_label, roomiest_place
from tf_medsynth.saved_model.patient_files import archive, class_pixels, command
from tf_medsynth.saved_model.patients import Patients
from tf_medsynth.types import MedSynthError


@pytest.fixture(scope="module")
def patients(tiny_model):
    return Patients(tiny_model)


@pytest.fixture(scope="module")
def loaded(tiny_model):
    return tf.saved_model.load(str(tiny_model)).signatures


@pytest.fixture(scope="module")
def inside(patients):
    """A lesion that lies inside sample 9 of seed 4."""
    room = roomiest_place(patients.background_mask(4, 9))
    return LesionShape(kind="enhancing", row=room.row, column=room.column, radius=room.radius)


def test_bytes_are_those_of_the_signature_whatever_was_drawn_before(patients, loaded):
    for seed, number in ((4, 9), (4, 0), (2**40, 3), (4, 9)):
        answer = loaded["synthesize_random"](seed=tf.constant([[seed, number]], tf.int64))
        drawn = patients.draw(seed, number)
        for name in ("images", "structure_map", "background_mask", "lesion_label"):
            assert getattr(drawn, name).tobytes() == answer[name].numpy()[0].tobytes()
        assert drawn.label_found == bool(answer["label_found"].numpy()[0])


def test_a_drawn_lesion_gives_the_bytes_of_synthesize(patients, loaded, inside):
    drawn = patients.draw(4, 9, inside)
    label = lesion_label(inside, (32, 32), BRAIN_MRI.label.classes)
    answer = loaded["synthesize"](
        seed=tf.constant([[4, 9]], tf.int64), lesion_label=tf.constant(label[None], tf.int32)
    )
    assert drawn.images.tobytes() == answer["images"].numpy()[0].tobytes()
    np.testing.assert_array_equal(drawn.lesion_label, label)
    assert answer["label_inside"].numpy()[0] == 1
    assert class_pixels(drawn, BRAIN_MRI.label.classes) == {"enhancing": int((label > 0).sum())}
    assert (patients.draw(4, 9).images != drawn.images).any()


class HalfBrain(tf.Module):
    """Signatures of a model whose brain is the left half of the image: untrained masks are all brain."""

    @tf.function(input_signature=[tf.TensorSpec((None, 2), tf.int64, "seed")])
    def synthesize_random(self, seed):
        square = tf.zeros((tf.shape(seed)[0], 32, 32, 1))
        right = square + tf.cast(tf.range(32) >= 16, tf.float32)[None, None, :, None]
        found = {"background_mask": right, "label_found": tf.zeros(tf.shape(seed)[:1])}
        return {
            "images": tf.tile(square, (1, 1, 1, 4)),
            "structure_map": square,
            "lesion_label": square,
        } | found

    @tf.function(
        input_signature=[
            tf.TensorSpec((None, 2), tf.int64, "seed"),
            tf.TensorSpec((None, None, None, 1), tf.int32, "lesion_label"),
        ]
    )
    def synthesize(self, seed, lesion_label):
        made = self.synthesize_random(seed)
        return {"images": made["images"], "structure_map": made["structure_map"], "label": lesion_label}


def test_a_lesion_outside_the_brain_is_told(tiny_model, tmp_path):
    half = HalfBrain()
    signatures = {"synthesize_random": half.synthesize_random, "synthesize": half.synthesize}
    tf.saved_model.save(half, str(tmp_path / "half" / "1"), signatures=signatures)
    shutil.copy(tiny_model / "medsynth.json", tmp_path / "half" / "1")
    patients = Patients(tmp_path / "half")
    shape = LesionShape(kind="oedema", row=0.5, column=0.25, radius=0.1)
    assert (patients.draw(0, 0, shape).lesion_label > 0).sum() == 32  # of a circle of 3.2 px about a corner
    assert not patients.draw(0, 0).label_found
    words = r"inside the organ\. Received: pixels_outside=16, of=32\. Move"
    with pytest.raises(MedSynthError, match=words):
        patients.draw(0, 0, dataclasses.replace(shape, column=0.5))


def test_an_archive_holds_readable_volumes_and_its_record(patients, inside):
    drawn = patients.draw(4, 9, inside)
    made = archive(drawn, patients.model)
    assert made == archive(drawn, patients.model)
    with zipfile.ZipFile(io.BytesIO(made)) as file:
        record = json.loads(file.read("medsynth_4_00000009/record.json"))
        volumes = {
            name.split("_")[-1].partition(".")[0]: nibabel.Nifti1Image.from_bytes(
                gzip.decompress(file.read(name))
            )
            for name in file.namelist()
            if name.endswith(".nii.gz")
        }
    assert set(volumes) == {"t1", "t2", "t1ce", "flair", "seg", "structure", "mask"}
    for number, name in enumerate(("t1", "t2", "t1ce", "flair")):
        voxels = np.asanyarray(volumes[name].dataobj)[:, :, 0].T / record["intensity_scale"]
        np.testing.assert_allclose(voxels, drawn.images[..., number], atol=0.51e-4)
    np.testing.assert_array_equal(volumes["seg"].dataobj[:, :, 0].T, drawn.lesion_label[..., 0])
    np.testing.assert_array_equal(volumes["structure"].dataobj[:, :, 0].T, drawn.structure_map[..., 0])
    assert volumes["t1"].header.get_zooms() == tuple(record["geometry"]["spacing"]) == (1.0, 1.0, 1.0)
    np.testing.assert_array_equal(volumes["t1"].affine, np.diag([-1, -1, 1, 1]))
    assert (record["seed"], record["sample"], record["model_hash"]) == (4, 9, patients.record.model_hash)
    assert LesionShape.from_dict(record["lesion"]) == inside


def test_the_command_draws_the_same_files_again(patients, tiny_model, inside, tmp_path, capsys):
    for lesion in (None, inside):
        drawn, out = patients.draw(4, 9, lesion), tmp_path / "patient.zip"
        words = shlex.split(command(drawn, str(tiny_model), str(out)))
        assert build_parser().parse_args(words[1:]).number == 9
        assert main(words[1:]) == 0
        assert out.read_bytes() == archive(drawn, patients.model)
    assert "sample 9" in capsys.readouterr().out


def test_mistakes_are_told(patients, tiny_model, tmp_path, capsys):
    for seed, number, words in ((-1, 0, "seed must not be"), (0, -1, "number must not be")):
        with pytest.raises(MedSynthError, match=words):
            patients.draw(seed, number)
    begin = ["sample", "--model", str(tiny_model), "--out", str(tmp_path / "a.png"), "--lesion"]
    for word, told in (("kind", "--lesion takes key=value"), ("kind=big", "labels have no such lesion")):
        assert main([*begin, word]) == 2
        assert told in capsys.readouterr().err
