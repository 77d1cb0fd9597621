import hashlib
import json

import keras
import numpy as np
import pytest

from tf_medsynth.evaluation.features import open_extractor, record_file, sha256
from tf_medsynth.types import MedSynthError

NAMES = ("T1", "T2", "T1c", "Flair")
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((35, 12, 10, 4), np.float32)


def pooling(size=(None, None), channels=4, pool=True) -> keras.Model:
    """Its features are the means of the channels (and of their squares)."""
    inputs = keras.Input((*size, channels))
    both = keras.layers.Concatenate()([inputs, keras.layers.Multiply()([inputs, inputs])])
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(both) if pool else both)


def saved(tmp_path, model: keras.Model, name="one.keras", input_range=(0, 1)):
    file = tmp_path / name
    if file.suffix == ".keras":
        model.save(file)
    else:
        model.export(file, verbose=False)
    record_file(file).write_text(json.dumps({"input_range": list(input_range)}))
    return file


def test_all_modalities_at_once(tmp_path) -> None:
    file = saved(tmp_path, pooling())
    extractor = open_extractor(file)
    found = extractor.features([IMAGES[:3], IMAGES[3:]], NAMES)
    wanted = np.concatenate([IMAGES.mean((1, 2)), (IMAGES**2).mean((1, 2))], axis=1)
    np.testing.assert_allclose(found["all"], wanted, rtol=1e-5)
    told = extractor.describe()
    assert told["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (told["name"], told["image_size"], told["channels"]) == ("one.keras", [None, None], 4)


@pytest.mark.parametrize("name", ["three.keras", "three"])
def test_grey_is_repeated_for_three_channels_in_the_stated_range(tmp_path, name) -> None:
    """As InceptionV3 and RadImageNet files are: 3 channels, [-1, 1], a map of features left to pool."""
    extractor = open_extractor(saved(tmp_path, pooling(channels=3, pool=False), name, (-1, 1)))
    found = extractor.features([IMAGES], NAMES)
    assert set(found) == {"T1", "T2", "T1c", "Flair"} and found["T1c"].shape == (35, 6)
    np.testing.assert_allclose(found["T1c"][:, 1], (2 * IMAGES[..., 2] - 1).mean((1, 2)), atol=1e-5)


def test_a_range_given_by_hand_stands_above_the_record(tmp_path) -> None:
    file = saved(tmp_path, pooling(channels=1))
    found = open_extractor(file, (0, 255)).features([IMAGES], NAMES)["T2"]
    np.testing.assert_allclose(found[:, 0], 255 * IMAGES[..., 1].mean((1, 2)), rtol=1e-4)


def test_images_are_resized_to_a_fixed_input(tmp_path) -> None:
    extractor = open_extractor(saved(tmp_path, pooling((24, 20))))
    even = np.ones_like(IMAGES) * np.arange(1, 36)[:, None, None, None] / 40
    np.testing.assert_allclose(
        extractor.features([even], NAMES)["all"][:, 0], np.arange(1, 36) / 40, rtol=1e-4
    )
    assert extractor.describe()["image_size"] == [24, 20]


def test_the_hash_of_a_folder_names_its_contents(tmp_path) -> None:
    folder = saved(tmp_path, pooling(), "model")
    before = sha256(folder)
    assert before == sha256(folder)
    (folder / "variables" / "more").write_text("x")
    assert sha256(folder) != before


def test_what_is_no_extractor_is_told(tmp_path) -> None:
    with pytest.raises(MedSynthError, match="--train-features"):
        open_extractor(tmp_path / "absent.keras")
    (tmp_path / "broken.keras").write_text("no zip")
    with pytest.raises(MedSynthError, match="--feature-range LOW HIGH"):
        open_extractor(tmp_path / "broken.keras")
    with pytest.raises(MedSynthError, match="whole and hold no code"):
        open_extractor(tmp_path / "broken.keras", (0, 1))
    (tmp_path / "folder").mkdir()
    with pytest.raises(MedSynthError, match=r"saved_model\.pb"):
        open_extractor(tmp_path / "folder", (0, 1))
    flat = keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)])
    with pytest.raises(MedSynthError, match="takes one image"):
        open_extractor(saved(tmp_path, flat))


def test_code_in_a_file_is_not_run(tmp_path) -> None:
    inputs = keras.Input((8, 8, 4))
    outputs = keras.layers.Lambda(lambda images: images[:, 0, 0])(inputs)
    with pytest.raises(MedSynthError, match="hold no code"):
        open_extractor(saved(tmp_path, keras.Model(inputs, outputs), "code.keras"))


def test_wrong_input_is_told(tmp_path) -> None:
    five = open_extractor(saved(tmp_path, pooling(channels=5)))
    with pytest.raises(MedSynthError, match="1 channel, 3"):
        five.features([IMAGES], NAMES)
    four = open_extractor(saved(tmp_path, pooling()))
    with pytest.raises(MedSynthError, match="no image"):
        four.features([], NAMES)
    with pytest.raises(MedSynthError, match="needs its name"):
        four.features([IMAGES[..., :2]], NAMES)
    with pytest.raises(MedSynthError, match=r"in \[0, 1\]"):
        four.features([255 * IMAGES], NAMES)


def test_an_image_too_small_for_the_network_is_told(tmp_path) -> None:
    inputs = keras.Input((None, None, 4))
    deep = keras.layers.Conv2D(3, 15)(inputs)
    with pytest.raises(MedSynthError, match="must take the images"):
        open_extractor(saved(tmp_path, keras.Model(inputs, deep), "deep.keras")).features([IMAGES], NAMES)
