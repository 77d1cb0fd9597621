import io

import numpy as np
import pytest
from PIL import Image

from tf_medsynth.config.domain import Domain, LabelSpec
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.reports.gallery import (
    TILE_SIDE,
    class_colours,
    enlarged,
    gallery,
    label_overlays,
    png,
    sample_tiles,
)
from tf_medsynth.types import MedSynthError

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((2, 20, 16, 2), np.float32)
MAPS = RANDOM.integers(2, size=(2, 20, 16, 1)).astype(np.float32)
LABEL = RANDOM.integers(5, size=(2, 20, 16, 1))
CLASSES = BRAIN_MRI.label.classes
PAIR = Domain("pair", ("T1", "Flair"), label=BRAIN_MRI.label)
COLOUR = Domain("eye", ("fundus",), 3, LabelSpec("structure", ("background", "vessel")))


def pixels(file: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(file)))


def test_tiles_are_the_data_in_order() -> None:
    tiles = sample_tiles(IMAGES, MAPS, 1 - MAPS, LABEL, PAIR)[1]
    assert [tile.name for tile in tiles] == ["structure map", "background mask", "label", "T1", "Flair"]
    assert np.array_equal(tiles[0].pixels[..., 1], 255 * MAPS[1, ..., 0])
    assert np.abs(tiles[4].pixels[..., 0] / 255 - IMAGES[1, ..., 1]).max() <= 0.5 / 255 + 1e-6


def test_every_class_has_its_colour_and_the_rest_stays_grey() -> None:
    label = np.arange(5).reshape(1, 1, 5)
    overlay = label_overlays(label, CLASSES)[0][0]
    assert overlay[0].tolist() == [0, 0, 0]
    assert [tuple(c) for c in overlay[1:].tolist()] == list(class_colours(CLASSES).values())
    over_grey = label_overlays(0 * label, CLASSES, np.full((1, 1, 5), 0.5))[0]
    assert (over_grey == over_grey[..., :1]).all()


def test_gallery_holds_each_tile_enlarged_without_smoothing() -> None:
    page = pixels(gallery(IMAGES, MAPS, None, LABEL, ["real", "synthetic"], PAIR))
    scale = -(-TILE_SIDE // 16)
    wanted = enlarged(sample_tiles(IMAGES, MAPS, None, LABEL, PAIR)[1][3].pixels, scale)
    rows, columns = wanted.shape[:2]
    corner = wanted[0, 0]
    places = [
        (y, x)
        for y, x in np.argwhere((page == corner).all(axis=-1))
        if np.array_equal(page[y : y + rows, x : x + columns], wanted)
    ]
    assert len(places) == 1


def test_parts_that_are_none_are_left_out() -> None:
    structure_only = pixels(gallery(None, MAPS, 1 - MAPS, None, ["a", "b"], PAIR))
    everything = pixels(gallery(IMAGES, MAPS, 1 - MAPS, LABEL, ["a", "b"], PAIR))
    assert structure_only.shape[1] < everything.shape[1] / 2


def test_png_keeps_every_pixel() -> None:
    coloured = label_overlays(LABEL, CLASSES)[0]
    assert np.array_equal(pixels(png(coloured)), coloured)
    grey = sample_tiles(None, MAPS, None, None, PAIR)[0][0].pixels
    assert np.array_equal(pixels(png(grey)), grey[..., 0])


def test_parts_that_do_not_fit_are_refused() -> None:
    for arguments, rule in (
        ((IMAGES, MAPS[:1], None, None, ["a", "b"], PAIR), "one number and size"),
        ((IMAGES, None, None, None, ["a"], PAIR), "its title"),
        ((IMAGES, None, None, LABEL + 5, ["a", "b"], PAIR), "codes 0 to 4"),
        ((3 * IMAGES, None, None, None, ["a", "b"], PAIR), "lie in"),
    ):
        with pytest.raises(MedSynthError, match=rule):
            gallery(*arguments)


def test_the_brain_keeps_its_colours_and_every_domain_has_some() -> None:
    assert class_colours(CLASSES) == {
        "necrosis": (213, 94, 0),
        "oedema": (86, 180, 233),
        "non_enhancing": (0, 158, 115),
        "enhancing": (240, 228, 66),
    }
    assert len(set(class_colours([str(code) for code in range(8)]).values())) == 7


def test_a_colour_modality_is_shown_in_colour_with_its_vessels_laid_over() -> None:
    images = RANDOM.random((1, 20, 16, 3), np.float32)
    tiles = sample_tiles(images, MAPS[:1], None, MAPS[:1].astype(int), COLOUR)[0]
    assert [tile.name for tile in tiles] == ["structure map", "label", "fundus"]
    assert np.abs(tiles[2].pixels / 255 - images[0]).max() <= 0.5 / 255 + 1e-6
    vessel = tiles[1].pixels[MAPS[0, ..., 0] > 0]
    assert (vessel[:, 0] > vessel[:, 2]).all()  # the first colour of the palette is a red
