"""Early warnings: said once, in plain words, when the signs last, and not before."""

import re

import numpy as np
import pytest

from tests.stages.toy import Toy, toy
from tf_medsynth.runs.warnings import Watch

FINE = {"real": 0.3, "fake": 0.2, "generator_gradient": 2.0, "discriminator_gradient": 1.0}


@pytest.fixture(scope="module")
def stage() -> Toy:
    return toy()


@pytest.fixture
def watch(tmp_path, stage) -> Watch:
    return Watch(tmp_path / "warnings.txt", stage, done=0)


def told(watch: Watch) -> list[str]:
    return watch.file.read_text().splitlines() if watch.file.exists() else []


def look(watch: Watch, steps, **losses: float) -> None:
    for step in steps:
        watch.look(step, FINE | losses)


def test_a_sound_training_is_not_warned_of(watch):
    look(watch, range(10, 100, 10))
    watch.look_at(50, {"T1": np.random.default_rng(0).random((3, 8, 8, 1))})
    watch.look_into(50, {"lesion_agreement": 0.4})
    assert told(watch) == []


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        ({"real": 0.001, "fake": 0.002}, "discriminator saturated"),
        ({"real": 0.251, "fake": 0.249}, "discriminator dead"),
        ({"generator_gradient": 5e3}, r"gradient of the generator explodes \(5000\)"),
    ],
)
def test_a_sign_that_lasts_is_told_once_with_its_first_step(watch, losses, message):
    look(watch, (10, 20), **losses)
    assert told(watch) == []
    look(watch, (30, 40, 50), **losses)
    (line,) = told(watch)
    assert re.match(message, line) and line.endswith("since step 10")


def test_a_sign_that_passes_is_forgotten(watch):
    for start in (0, 30, 60):
        look(watch, (start, start + 10), real=0.001, fake=0.001)
        look(watch, (start + 20,))
    assert told(watch) == []


def test_what_is_not_finite_is_told_at_once(watch, caplog):
    with caplog.at_level("WARNING", logger="medsynth"):
        look(watch, (10,), fake=float("nan"))
    assert told(watch) == ["fake is not finite since step 10"]
    assert "fake is not finite since step 10" in caplog.text


def test_a_discriminator_that_does_not_step_yet_is_not_judged(watch):
    look(watch, range(0, 60, 10), real=0.0, fake=0.0, discriminator_gradient=0.0)
    assert told(watch) == []


def test_constant_and_equal_pictures(watch):
    varied = np.random.default_rng(0).random((3, 8, 8, 1))
    watch.look_at(20, {"T1": varied, "T2": np.full((1, 8, 8, 1), 0.4)})
    assert told(watch) == ["output constant: T2 since step 20"]
    watch.look_at(40, {"T1": varied, "Flair": np.repeat(varied[:1], 3, axis=0)})
    assert told(watch)[1:] == ["every sample alike: Flair since step 40"]


def test_a_label_that_the_generator_ignores(watch):
    for step in (10, 20, 30):
        watch.look_into(step, {"lesion_agreement": 0.02})
    assert told(watch) == ["label ignored: lesion agreement 0.02 since step 10"]


def test_a_new_training_starts_a_new_file_and_a_resumed_one_goes_on(tmp_path, stage):
    file = tmp_path / "warnings.txt"
    file.write_text("of before\n")
    Watch(file, stage, done=4)
    assert file.read_text() == "of before\n"
    Watch(file, stage, done=0)
    assert not file.exists()
