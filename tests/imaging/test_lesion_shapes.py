"""Drawn lesions against scikit-image's ellipse, hand-counted pixels and a brute-force largest circle."""

import numpy as np
import pytest
from skimage.draw import ellipse

from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.lesion_shapes import LesionShape
from tf_medsynth.imaging.fusion import label_inside
from tf_medsynth.imaging.lesion_shapes import (
    check_inside,
    kinds_of,
    lesion_label,
    moved_inside,
    pixels_outside,
    roomiest_place,
)
from tf_medsynth.types import MedSynthError

CLASSES = BRAIN_MRI.label.classes
SIZE = (48, 64)

CLASSES = BRAIN_MRI.label.classes


@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0, 145.0])
def test_an_ellipse_is_that_of_scikit_image(angle):
    shape = LesionShape(kind="oedema", row=0.53, column=0.41, radius=0.21, elongation=2.5, angle=angle)
    long, short = (48 * axis for axis in shape.half_axes)
    # Its pixels lie at whole numbers, ours half a pixel further; its rotation is of (row, column) axes.
    centre = shape.row * 48 - 0.5, shape.column * 64 - 0.5
    wanted = np.zeros(SIZE, np.int32)
    wanted[ellipse(*centre, short, long, shape=SIZE, rotation=np.deg2rad(angle))] = 2
    np.testing.assert_array_equal(lesion_label(shape, SIZE, CLASSES)[..., 0], wanted)


def test_a_small_circle_by_hand():
    label = lesion_label(LesionShape(kind="enhancing", row=0.5, column=0.5, radius=0.2), (10, 10), CLASSES)
    wanted = np.zeros((10, 10), int)
    wanted[4:6, 3:7] = wanted[3:7, 4:6] = CLASSES.index("enhancing")  # radius 2 about a corner
    np.testing.assert_array_equal(label[..., 0], wanted)
    assert label.dtype == np.int32


def test_nested_classes_lie_in_each_other():
    label = lesion_label(LesionShape(radius=0.4, core=0.7, necrosis=0.5), (192, 256), CLASSES)[..., 0]
    row = label[96, 128:]
    codes = [CLASSES.index(name) for name in ("necrosis", "enhancing", "oedema")]
    assert list(dict.fromkeys(row[row > 0])) == codes
    area = np.pi * (0.4 * 192) ** 2
    shares = [(label == code).sum() / area for code in codes]
    np.testing.assert_allclose(shares, [0.35**2, 0.7**2 - 0.35**2, 1 - 0.7**2], atol=0.01)


def test_outside_is_counted_and_told():
    mask = np.ones((10, 10, 1), np.float32)
    mask[:, :5] = 0
    label = lesion_label(LesionShape(kind="oedema", radius=0.2), (10, 10), CLASSES)
    assert pixels_outside(label, mask) == 6
    with pytest.raises(MedSynthError, match=r"inside the organ\. Received: pixels_outside=6, of=12\. Move"):
        check_inside(label, mask)
    assert not label_inside(mask[None], label[None]).numpy()[0]
    check_inside(label[:, ::-1] * 0, mask)
    with pytest.raises(MedSynthError, match="one shape"):
        pixels_outside(label, mask[:5])


def test_the_roomiest_place_holds_the_largest_circle():
    rng = np.random.default_rng(3)
    rows, columns = np.mgrid[:48, :64]
    for _ in range(5):
        mask = np.ones((*SIZE, 1), np.float32)
        for height, width in ((20, 9), (8, 25)):
            row, column = rng.integers(15, 30, 2)
            mask[((rows - row) / height) ** 2 + ((columns - column) / width) ** 2 < 1] = 0
        room = roomiest_place(mask)
        shape = LesionShape(kind="oedema", row=room.row, column=room.column, radius=room.radius)
        check_inside(lesion_label(shape, SIZE, CLASSES), mask)
        outside = np.pad(mask[..., 0], 1, constant_values=1)
        far = [
            np.hypot(*(np.argwhere(outside) - 1 - place).T).min() for place in np.argwhere(mask[..., 0] == 0)
        ]
        assert room.radius * 48 == pytest.approx(max(far) - 0.5)


def test_a_lesion_is_moved_to_where_it_fits():
    mask = np.ones((*SIZE, 1), np.float32)
    mask[30:44, 5:25] = 0
    far = LesionShape(row=0.1, column=0.9, radius=0.4, elongation=2.0, angle=70.0)
    moved = moved_inside(far, mask)
    check_inside(lesion_label(moved, SIZE, CLASSES), mask)
    assert (moved.angle, moved.elongation) == (70.0, 2.0) and 0.05 < moved.radius < 0.4
    small = moved_inside(LesionShape(radius=0.05), mask)
    assert small.radius == 0.05
    assert moved_inside(moved, mask) == moved
    with pytest.raises(MedSynthError, match="needs a larger organ"):
        moved_inside(far, mask, step=0.3)


def test_mistakes_are_told():
    with pytest.raises(MedSynthError, match=r"inside the image\. Received: row=0\.05"):
        lesion_label(LesionShape(row=0.05), SIZE, CLASSES)
    with pytest.raises(MedSynthError, match=r"must have a pixel\. Received: radius=0\.001\. Make it larger"):
        lesion_label(LesionShape(radius=0.001), SIZE, CLASSES)
    with pytest.raises(MedSynthError, match="needs an organ"):
        roomiest_place(np.ones((*SIZE, 1)))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"row": "1.5"}, "row is a share"),
        ({"column": "nan"}, "column must be a finite number"),
        ({"radius": "0"}, "radius is a share"),
        ({"elongation": "9"}, "elongation must lie"),
        ({"angle": "-1"}, "angle must lie"),
        ({"core": "0"}, "core is a share"),
        ({"necrosis": "1"}, "necrosis is a share"),
        ({"size": "1"}, "unknown setting of LesionShape"),
    ],
)
def test_settings_out_of_range_are_refused(values, words):
    with pytest.raises(MedSynthError, match=words):
        LesionShape().override(values)


def test_words_read_back_as_the_same_shape():
    shape = LesionShape(kind="necrosis", row=0.4, column=0.625, radius=0.1, angle=45.0, elongation=2.0)
    assert shape.words() == "kind=necrosis row=0.4 column=0.625 radius=0.1 elongation=2 angle=45".split()
    assert LesionShape().override(dict(word.split("=") for word in shape.words())) == shape


def test_a_lesion_is_of_a_class_that_the_label_has():
    classes = ("background", "node", "cyst")
    label = lesion_label(LesionShape(kind="cyst", radius=0.2), (10, 10), classes)
    assert set(np.unique(label)) == {0, 2}
    for kind in ("nested", "oedema", "background"):
        with pytest.raises(MedSynthError, match=f"Kinds: node, cyst.|kind='{kind}'"):
            lesion_label(LesionShape(kind=kind), (10, 10), classes)
    assert kinds_of(CLASSES) == ("nested", *CLASSES[1:])


def test_a_kind_is_a_class_of_the_domain():
    with pytest.raises(MedSynthError, match=r"kind='tumour'.*Kinds: nested, necrosis"):
        lesion_label(LesionShape(kind="tumour"), SIZE, CLASSES)
    with pytest.raises(MedSynthError, match="kind='nested'"):
        lesion_label(LesionShape(), SIZE, ("nothing", "spot"))
