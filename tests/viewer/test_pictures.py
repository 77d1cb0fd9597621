"""Window, level and blending by hand."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.reports.gallery import class_colours
from tf_medsynth.saved_model.patients import Patient
from tf_medsynth.types import MedSynthError
from tf_medsynth.viewer.pictures import (
    LINE_COLOUR,
    Look,
    Window,
    blended,
    data_address,
    map_pictures,
    modality_pictures,
    windowed,
)

CLASSES = BRAIN_MRI.label.classes
COLOURS = class_colours(CLASSES)
IMAGE = np.array([[0.0, 0.25], [0.5, 1.0]], np.float32)
NOTHING = np.zeros((2, 2), np.float32)


def test_a_window_is_a_straight_line_between_its_ends():
    np.testing.assert_array_equal(windowed(IMAGE, Window()), IMAGE)
    np.testing.assert_allclose(windowed(IMAGE, Window(level=0.5, width=0.5)), [[0, 0], [0.5, 1]])
    np.testing.assert_allclose(windowed(IMAGE, Window(level=0.25, width=2.0)), [[0.375, 0.5], [0.625, 0.875]])


def test_lines_and_label_are_mixed_by_their_opacity():
    label, lines = np.array([[0, 2], [2, 0]], np.float32), np.array([[1, 0], [1, 0]], np.float32)
    plain = blended(IMAGE[..., None], label, lines, Window(), Look(), CLASSES)
    np.testing.assert_array_equal(plain, np.round(255 * IMAGE)[..., None].repeat(3, -1))
    whole = blended(IMAGE[..., None], label, lines, Window(), Look(label=1.0, lines=1.0), CLASSES)
    oedema = COLOURS["oedema"]
    np.testing.assert_array_equal(whole, [[LINE_COLOUR, oedema], [oedema, (255, 255, 255)]])
    half = blended(IMAGE[..., None], NOTHING, lines, Window(), Look(lines=0.5), CLASSES)
    np.testing.assert_allclose(half[1, 0], (np.array(LINE_COLOUR) + 127.5) / 2, atol=0.51)


def test_every_array_of_a_patient_has_its_picture():
    images = np.random.default_rng(0).random((2, 2, 4)).astype(np.float32)
    maps = (np.eye(2)[..., None], 1 - np.eye(2)[..., None], 3 * np.eye(2)[..., None])
    patient = Patient(1, 2, None, images, *maps, label_found=True)
    found = map_pictures(patient, CLASSES)
    assert list(found) == ["Structure map", "Organ", "Lesion label"]
    np.testing.assert_array_equal(found["Structure map"], found["Organ"])
    np.testing.assert_array_equal(found["Lesion label"][0, 0], COLOURS["non_enhancing"])
    look = Look(windows=(Window(), Window(), Window(level=1.0), Window()))
    for number, (name, picture) in enumerate(modality_pictures(patient, look, BRAIN_MRI).items()):
        assert name == BRAIN_MRI.modalities[number]
        wanted = images[..., number] if name != "T1c" else np.clip(images[..., 2] - 0.5, 0, 1)
        np.testing.assert_allclose(picture[..., 0], 255 * wanted, atol=0.51)


def test_colour_stays_colour():
    image = np.random.default_rng(0).random((2, 2, 3)).astype(np.float32)
    shown = blended(image, NOTHING, NOTHING, Window(), Look(), ("background", "vessel"))
    np.testing.assert_array_equal(shown, np.round(255 * image).astype(np.uint8))


def test_an_address_holds_the_picture():
    picture = np.random.default_rng(1).integers(0, 256, (3, 5, 3), np.uint8)
    head, _, body = data_address(picture).partition(",")
    assert head == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(body))) as image:
        np.testing.assert_array_equal(np.asarray(image), picture)


@pytest.mark.parametrize(
    ("settings", "changes", "words"),
    [
        (Window(), {"level": "2"}, "level must lie"),
        (Window(), {"width": "0"}, "width must lie"),
        (Look(), {"label": "1.1"}, "label is an opacity"),
    ],
)
def test_settings_out_of_range_are_refused(settings, changes, words):
    with pytest.raises(MedSynthError, match=words):
        settings.override(changes)
