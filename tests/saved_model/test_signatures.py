"""The same bits in training code and through every signature, whatever the size of a request."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tf_medsynth.runs.synthesiser import load_synthesiser
from tf_medsynth.saved_model.encoding import IMAGE_SCALE
from tf_medsynth.saved_model.loading import open_model
from tf_medsynth.types import MedSynthError

SEED = 7
BLANK = np.zeros((1, 32, 32, 1), np.int32)
GREY = np.full((1, 32, 32, 4), 0.5, np.float32)
ONE = np.zeros(1, np.int32)


@pytest.fixture(scope="module")
def model(tiny_model):
    return open_model(tiny_model, ["synthesize"])


@pytest.fixture(scope="module")
def trained(tiny_run):
    return load_synthesiser(tiny_run)


@pytest.fixture(scope="module")
def eleven(model) -> dict[str, np.ndarray]:
    return call(model, "synthesize_random", seed=names(range(11)))


def names(index) -> np.ndarray:
    return np.array([[SEED, k] for k in index], np.int64)


def call(model, signature: str, **inputs) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in model.call(signature, **inputs).items()}


def test_outputs_are_named_floats_a_row_a_sample(eleven):
    shapes = {name: value.shape[1:] for name, value in eleven.items()}
    square = (32, 32, 1)
    assert shapes == {
        "images": (32, 32, 4),
        "structure_map": square,
        "background_mask": square,
        "lesion_label": square,
        "label_found": (),
    }
    assert all(value.dtype == np.float32 and len(value) == 11 for value in eleven.values())
    found = eleven["label_found"] > 0
    assert found.sum() > 0
    assert not (eleven["lesion_label"].any(axis=(1, 2, 3)) & ~found).any()  # some patients have none
    assert not (eleven["lesion_label"] * eleven["background_mask"]).any()


@pytest.mark.parametrize("rows", [(0,), (3, 1, 2), range(8), range(10, -1, -1), ()])
def test_a_row_knows_neither_its_place_nor_its_neighbours(model, eleven, rows):
    made = call(model, "synthesize_random", seed=names(rows).reshape(-1, 2))
    for name, value in made.items():
        np.testing.assert_array_equal(value, eleven[name][list(rows)], err_msg=name)


def test_seeds_of_several_runs_go_in_one_request(model, eleven):
    mixed = call(model, "synthesize_random", seed=[[SEED, 4], [8, 4]])
    np.testing.assert_array_equal(mixed["images"][0], eleven["images"][4])
    assert not np.array_equal(mixed["images"][1], eleven["images"][4])


def test_the_training_code_computes_the_same_bits(trained, eleven):
    index = np.arange(11)
    lines, mask = trained.draw_maps(SEED, index)
    np.testing.assert_array_equal(lines * (eleven["lesion_label"] == 0), eleven["structure_map"])
    np.testing.assert_array_equal(mask, eleven["background_mask"])
    images = trained.render(lines, mask, eleven["lesion_label"], SEED, index)
    np.testing.assert_array_equal(images, eleven["images"])


def test_a_label_of_ones_own(model, eleven):
    label = eleven["lesion_label"].astype(np.int32)
    made = call(model, "synthesize", seed=names(range(11)), lesion_label=label)
    for name in ("images", "structure_map", "background_mask"):
        np.testing.assert_array_equal(made[name], eleven[name])
    assert made["label_inside"].all()
    outside = call(model, "synthesize", seed=names([0]), lesion_label=BLANK + 1)
    assert outside["label_inside"] == (not eleven["background_mask"][0].any())


def test_guides_and_translator(model, trained, eleven):
    images = eleven["images"]
    found = call(model, "segment_lesion", images=images)["lesion_label_by_modality"]
    np.testing.assert_array_equal(found, trained.segment(images))
    target = np.arange(11) % 4
    made = call(model, "translate", images=images[..., :1], source=np.zeros(11, np.int32), target=target)[
        "images"
    ]
    np.testing.assert_array_equal(made, trained.functions.translate(images[..., :1], target))
    assert made.shape == (11, 32, 32, 1) and not np.array_equal(made[0], made[1])


def test_pictures_as_files(model, eleven):
    made = call(model, "synthesize_random_png", seed=names([2, 5]))
    assert made["images_bytes"].shape == (2, 4)
    pixels = np.array(Image.open(io.BytesIO(made["images_bytes"][1, 3])))
    np.testing.assert_array_equal(pixels, np.round(eleven["images"][5, ..., 3] * IMAGE_SCALE))
    label = np.array(Image.open(io.BytesIO(made["lesion_label_bytes"][0])))
    np.testing.assert_array_equal(label, eleven["lesion_label"][2, ..., 0])
    again = call(model, "synthesize_png", seed=names([2]), lesion_label_bytes=made["lesion_label_bytes"][:1])
    assert again["images_bytes"][0].tolist() == made["images_bytes"][0].tolist()


def test_an_example_is_a_request(model, eleven):
    file = tf.io.encode_png(eleven["lesion_label"][3].astype(np.uint8)).numpy()
    features = {
        "seed": tf.train.Feature(int64_list=tf.train.Int64List(value=[SEED, 3])),
        "lesion_label": tf.train.Feature(bytes_list=tf.train.BytesList(value=[file])),
    }
    example = tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()
    made = call(model, "synthesize_example", examples=[example])
    np.testing.assert_array_equal(made["images"][0], eleven["images"][3])


@pytest.mark.parametrize(
    ("signature", "inputs", "words"),
    [
        ("synthesize", {"seed": names([0]), "lesion_label": BLANK + 5}, "class codes 0 to 4"),
        ("synthesize", {"seed": names([0]), "lesion_label": BLANK - 1}, "class codes 0 to 4"),
        ("synthesize", {"seed": names([0]), "lesion_label": BLANK[:, 1:]}, r"shape \(B, 32, 32, 1\)"),
        ("synthesize", {"seed": names([0, 1]), "lesion_label": BLANK}, "same number of rows"),
        ("synthesize_random", {"seed": -names([1])}, "must not be negative"),
        ("synthesize_random", {"seed": names([0])[:, :1]}, r"shape \(B, 2\)"),
        ("segment_lesion", {"images": GREY * np.nan}, "images must be finite"),
        ("segment_lesion", {"images": GREY * 3}, r"images must lie in \[0, 1\]"),
        ("segment_lesion", {"images": GREY[..., :3]}, r"shape \(B, 32, 32, 4\)"),
        (
            "translate",
            {"images": GREY[..., :1], "source": ONE, "target": ONE + 4},
            "target must be one of 0 T1",
        ),
        (
            "translate",
            {"images": GREY[..., :1], "source": ONE - 1, "target": ONE},
            "source must be one of 0 T1",
        ),
        ("synthesize_png", {"seed": names([0]), "lesion_label_bytes": [b"no picture"]}, "(?i)png"),
        ("pool_labels", {"number": [10**6]}, "number must lie in 0"),
    ],
)
def test_bad_input_is_refused_in_plain_words(model, signature, inputs, words):
    with pytest.raises(MedSynthError, match=words):
        model.call(signature, **inputs)
