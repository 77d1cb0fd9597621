"""The verb where something is wrong, and addresses of patients."""

import json
import shutil
import socket
import sys
from urllib.parse import parse_qsl, urlsplit

import pytest

from tf_medsynth.cli.main import main
from tf_medsynth.config.lesion_shapes import LesionShape
from tf_medsynth.imaging.lesion_shapes import moved_inside
from tf_medsynth.saved_model.patients import Patients
from tf_medsynth.types import MedSynthError
from tf_medsynth.viewer.gallery import model_words
from tf_medsynth.viewer.links import ARCHIVE, archive_address, file_name, patient_of


@pytest.fixture
def told(capsys):
    """What the command says when it fails."""

    def fails(*words):
        assert main(["gallery", "--no-browser", "--port", "0", *map(str, words)]) == 2
        out, error = capsys.readouterr()
        assert out == "" and error.count("\n") == 1
        return error

    return fails


def test_without_its_packages_the_extra_is_named(told, monkeypatch):
    monkeypatch.setitem(sys.modules, "nicegui", None)
    assert "pip install 'tf_medsynth[ui]'" in told("m")


def test_a_bad_port_or_host_is_told(told):
    pytest.importorskip("nicegui", reason="needs the extra [ui]")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "port must be free. Received: host='127.0.0.1'" in told("--port", taken.getsockname()[1])
    assert "port must be a port, 0 to 65535" in told("--port", 65536)
    assert "cannot listen there" in told("--host", "192.0.2.1")


def test_a_bad_model_is_told(told, tiny_model, tmp_path):
    pytest.importorskip("nicegui", reason="needs the extra [ui]")
    assert "no exported model stands here" in told(tmp_path / "absent")
    for name, change, words in (
        ("other", {"format": 99}, "reads models of format 1. Received: format=99"),
        ("none", None, "medsynth.json"),
    ):
        shutil.copytree(tiny_model, tmp_path / name / "1")
        record = tmp_path / name / "1" / "medsynth.json"
        text = "{" if change is None else json.dumps({**json.loads(record.read_text()), **change})
        record.write_text(text)
        assert words in told(tmp_path / name)
    shutil.copytree(tiny_model, tmp_path / "torn" / "1")
    (tmp_path / "torn" / "1" / "saved_model.pb").write_bytes(b"no protocol buffer")
    assert "a SavedModel must be whole" in told(tmp_path / "torn")


def test_a_model_without_a_signature_is_told(told, tmp_path, tiny_model):
    import tensorflow as tf

    pytest.importorskip("nicegui", reason="needs the extra [ui]")
    module = tf.Module()
    module.one = tf.function(lambda number: {"number": number}, [tf.TensorSpec((), tf.float32, "number")])
    tf.saved_model.save(module, str(tmp_path / "bare" / "1"), signatures={"synthesize_random": module.one})
    shutil.copy(tiny_model / "medsynth.json", tmp_path / "bare" / "1")
    assert "the model lacks a signature. Received: signature='synthesize'" in told(tmp_path / "bare")


def test_an_address_names_its_patient(tiny_model):
    patients = Patients(tiny_model)
    lesion = moved_inside(LesionShape(kind="oedema"), patients.background_mask(3, 1))
    for shape in (None, lesion):
        drawn = patients.draw(3, 1, shape)
        address = urlsplit(archive_address(drawn))
        assert address.path == ARCHIVE and file_name(drawn).endswith("_own.zip") == bool(shape)
        found = patient_of(patients, dict(parse_qsl(address.query)))
        assert (found.seed, found.number, found.lesion) == (3, 1, shape)
        assert found.images.tobytes() == drawn.images.tobytes()
    for query in ({"seed": "1"}, {"seed": "-1", "number": "0"}, {"seed": "1", "number": "0", "size": "1"}):
        with pytest.raises(MedSynthError, match=r"must be a whole number|unknown setting"):
            patient_of(patients, query)


def test_a_model_is_named_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert model_words(tmp_path / "saved_models" / "brain" / "1") == "saved_models/brain/1"
    assert model_words(tmp_path.parent / "m") == str(tmp_path.parent / "m")
