"""The verb: commands for TensorFlow Serving, and mistakes told before any work starts."""

import shlex
import shutil
import socket

import pytest

import tf_medsynth
from tests.serving import toy
from tf_medsynth.config.serving import ServingConfig
from tf_medsynth.serving.local import run_server
from tf_medsynth.serving.model import WARM_UP, ServedModel, find_model, warm_up_requests
from tf_medsynth.types import MedSynthError


@pytest.fixture
def folder(tmp_path):
    """A model folder as far as its names go."""
    for version in (2, 10):
        (tmp_path / "brain" / str(version)).mkdir(parents=True)
        (tmp_path / "brain" / str(version) / "saved_model.pb").write_bytes(b"")
    return tmp_path / "brain"


def test_the_newest_version_is_found_and_any_can_be_named(folder):
    assert (find_model(folder).name, find_model(folder).version) == ("brain", 10)
    assert find_model(folder / "2").version == 2


def test_commands_name_the_model_its_files_and_the_ports(folder):
    plain = tf_medsynth.serve(folder, overrides={"port": 9001, "grpc_port": 9000})
    binary = shlex.split(plain.binary)
    assert binary[:3] == ["tensorflow_model_server", "--port=9000", "--rest_api_port=9001"]
    assert f"--model_base_path={folder}" in binary
    assert "config" not in plain.binary + plain.docker
    (folder / "models.config").touch()
    (folder / "batching.config").touch()
    both = tf_medsynth.serve(folder)
    assert both.binary.endswith(f"--enable_batching --batching_parameters_file={folder}/batching.config")
    assert "127.0.0.1:8501:8501" in both.docker
    assert "--model_config_file=/models/brain/models.config --enable_batching" in both.docker
    assert both.docker.endswith("--batching_parameters_file=/models/brain/batching.config")
    assert both.binary in both.render()


@pytest.mark.parametrize("words", ["", "brain/1", "brain/final"])
def test_a_folder_without_a_version_is_a_clear_error(folder, words):
    (folder / "final").mkdir()
    with pytest.raises(MedSynthError, match="no exported model stands here"):
        tf_medsynth.serve(folder.parent / words)
    (folder / "final" / "saved_model.pb").touch()
    with pytest.raises(MedSynthError, match="named by its number"):
        tf_medsynth.serve(folder / "final")


@pytest.mark.parametrize(
    "change",
    [
        {"port": 70000},
        {"port": 9, "grpc_port": 9},
        {"batch_limit": 0},
        {"queue_limit": 0},
        {"message_limit_mib": 2048},
        {"batch_wait_ms": -1},
    ],
    ids=str,
)
def test_settings_have_rules(change):
    with pytest.raises(MedSynthError, match="Received"):
        ServingConfig().override(change)


@pytest.mark.parametrize("which", ["port", "grpc_port"])
def test_a_taken_port_is_one_line_before_the_model_is_read(folder, which):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = {"port": 0, "grpc_port": 0, which: taken.getsockname()[1]}
        with pytest.raises(MedSynthError, match=f"{which} must be free. Received: host='127.0.0.1'"):
            tf_medsynth.serve(folder, local=True, overrides=ports)


def test_an_unknown_host_is_one_line(folder):
    with pytest.raises(MedSynthError, match="cannot listen there"):
        tf_medsynth.serve(folder, local=True, overrides={"host": "192.0.2.1"})


@pytest.mark.parametrize("content", [b"", b"no protocol buffer"])
def test_an_unreadable_model_is_one_line(folder, content):
    (folder / "10" / "saved_model.pb").write_bytes(content)
    with pytest.raises(MedSynthError, match="SavedModel"):
        run_server(find_model(folder), ServingConfig(port=0, grpc_port=0))


def test_a_model_without_its_variables_is_one_line(toy_model, tmp_path):
    shutil.copytree(toy_model / "1", tmp_path / "toy" / "1")
    shutil.rmtree(tmp_path / "toy" / "1" / "variables")
    with pytest.raises(MedSynthError, match="a SavedModel must be whole"):
        ServedModel(find_model(tmp_path / "toy"))


def test_warm_up_requests_are_those_recorded(toy_model):
    (name, inputs), *more = warm_up_requests(find_model(toy_model))
    assert (name, more) == ("synthesize", [])
    assert inputs["seed"].tobytes() == toy.inputs()["synthesize"]["seed"].tobytes()


def test_damaged_warm_up_requests_are_one_line(toy_model, tmp_path):
    shutil.copytree(toy_model / "1", tmp_path / "toy" / "1")
    (tmp_path / "toy" / "1" / WARM_UP).write_bytes(b"x" * 100)
    with pytest.raises(MedSynthError, match="not a readable"):
        list(warm_up_requests(find_model(tmp_path / "toy")))
