"""Files as Keras 2 wrote them: whole models, and weights alone whose architecture the user names."""

import json

import h5py
import keras
import numpy as np
import pytest

from tf_medsynth.config.evaluation import ARCHITECTURES
from tf_medsynth.evaluation.features import open_extractor, record_file
from tf_medsynth.types import MedSynthError

NAMES = ("T1", "T2", "T1c", "Flair")
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((2, 80, 80, 4), np.float32)


def write_weights(group, layers: dict[str, list[tuple[str, np.ndarray]]]) -> None:
    """As Keras 2 lays them out in a file."""
    group.attrs["layer_names"] = [name.encode() for name in layers]
    group.attrs["backend"], group.attrs["keras_version"] = b"tensorflow", b"2.3.1"
    for name, weights in layers.items():
        own = group.create_group(name)
        own.attrs["weight_names"] = [weight.encode() for weight, _ in weights]
        for weight, values in weights:
            own[weight] = values


def keras_2_model(file):
    """Input, a 1 x 1 convolution, normalisation over a list of axes, relu: the configuration of Keras 2.3."""
    base = {"trainable": True, "dtype": "float32"}
    kernel = RANDOM.normal(size=(1, 1, 3, 5)).astype("float32")
    beta, mean, variance = RANDOM.random((3, 5)).astype("float32")
    layers = {
        "input_1": ("InputLayer", {"batch_input_shape": [None, None, None, 3], "sparse": False}),
        "conv": (
            "Conv2D",
            {"filters": 5, "kernel_size": [1, 1], "padding": "valid", "use_bias": False, **base},
        ),
        "norm": ("BatchNormalization", {"axis": [3], "epsilon": 0.001, "scale": False, **base}),
        "relu": ("Activation", {"activation": "relu", **base}),
    }
    names, config = list(layers), []
    for number, (name, (kind, settings)) in enumerate(layers.items()):
        nodes = [[[names[number - 1], 0, 0, {}]]] if number else []
        own = {"name": name, **settings}
        config.append({"class_name": kind, "config": own, "name": name, "inbound_nodes": nodes})
    ends = {"input_layers": [["input_1", 0, 0]], "output_layers": [["relu", 0, 0]]}
    with h5py.File(file, "w") as held:
        held.attrs["keras_version"], held.attrs["backend"] = b"2.3.1", b"tensorflow"
        model = {"class_name": "Model", "config": {"name": "model_1", "layers": config, **ends}}
        held.attrs["model_config"] = json.dumps(model).encode()
        norm = [("norm/beta:0", beta), ("norm/moving_mean:0", mean), ("norm/moving_variance:0", variance)]
        own = {"conv": [("conv/kernel:0", kernel)], "norm": norm}
        write_weights(held.create_group("model_weights"), {name: own.get(name, []) for name in names})

    def by_hand(grey: np.ndarray) -> np.ndarray:
        seen = np.repeat(grey, 3, axis=-1) @ kernel[0, 0]
        return np.maximum((seen - mean) / np.sqrt(variance + 0.001) + beta, 0).mean((1, 2))

    return by_hand


def test_a_whole_model_of_keras_2(tmp_path) -> None:
    by_hand = keras_2_model(tmp_path / "old.h5")
    found = open_extractor(tmp_path / "old.h5", (-1, 1)).features([IMAGES], NAMES)
    np.testing.assert_allclose(found["T2"], by_hand(2 * IMAGES[..., 1:2] - 1), rtol=1e-4, atol=1e-5)
    with pytest.raises(MedSynthError, match="needs the range of its input"):
        open_extractor(tmp_path / "old.h5")
    with pytest.raises(MedSynthError, match=r"holds its own architecture.*--feature-range"):
        open_extractor(tmp_path / "old.h5", architecture="ResNet50")


def test_a_range_may_differ_by_channel(tmp_path) -> None:
    """As means taken off each colour do, which its authors' code does before RadImageNet's networks."""
    by_hand = keras_2_model(tmp_path / "old.h5")
    one, each = np.array([0.4, 0.4, 0.4]), np.array([0.408, 0.458, 0.485])
    found = []
    for low in (one, each):
        record = {"input_range": [list(-low), list(1 - low)]}
        record_file(tmp_path / "old.h5").write_text(json.dumps(record))
        extractor = open_extractor(tmp_path / "old.h5")
        found.append(extractor.features([IMAGES], NAMES)["T1"])
    np.testing.assert_allclose(found[0], by_hand(IMAGES[..., :1] - 0.4), rtol=1e-4, atol=1e-5)
    assert not np.allclose(found[0], found[1])
    assert extractor.describe()["input_range"] == [list(-each), list(1 - each)]
    with pytest.raises(MedSynthError, match="one a channel"):
        open_extractor(tmp_path / "old.h5", ((0, 0), (1, 1)))


def test_code_in_an_old_file_is_not_run(tmp_path) -> None:
    inputs = keras.Input((8, 8, 4))
    keras.Model(inputs, keras.layers.Lambda(lambda images: images[:, 0, 0])(inputs)).save(tmp_path / "c.h5")
    with pytest.raises(MedSynthError, match=r"\.h5 file must be whole and hold no code"):
        open_extractor(tmp_path / "c.h5", (0, 1))


def test_what_is_no_old_file_is_told(tmp_path) -> None:
    (tmp_path / "broken.h5").write_text("no HDF5")
    with pytest.raises(MedSynthError, match=r"\.h5 file must be whole"):
        open_extractor(tmp_path / "broken.h5", (0, 1))
    with h5py.File(tmp_path / "weights_notop.h5", "w") as held:
        write_weights(held, {"conv": [("conv/kernel:0", np.ones((1, 1, 3, 5), "float32"))]})
    with pytest.raises(MedSynthError, match="Pass --feature-architecture InceptionV3"):
        open_extractor(tmp_path / "weights_notop.h5")
    with pytest.raises(MedSynthError, match=r"unknown architecture.*Known: InceptionV3"):
        open_extractor(tmp_path / "weights_notop.h5", (0, 1), "VGG16")


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_ranges_of_architectures_are_those_of_keras(name) -> None:
    module = {"InceptionV3": "inception_v3", "ResNet50": "resnet50", "DenseNet121": "densenet"}[name]
    grey = np.repeat(IMAGES[..., :1], 3, axis=-1)
    wanted = getattr(keras.applications, module).preprocess_input(255 * grey)
    low, high = map(np.asarray, ARCHITECTURES[name])
    np.testing.assert_allclose(low + (high - low) * grey, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_weights_of_inception_alone(tmp_path) -> None:
    file = tmp_path / "inception_v3_notop.h5"
    model = keras.applications.InceptionV3(include_top=False, weights=None, input_shape=(None, None, 3))
    with h5py.File(file, "w") as held:
        write_weights(
            held, {layer.name: [(w.path, w.numpy()) for w in layer.weights] for layer in model.layers}
        )
    record_file(file).write_text(json.dumps({"architecture": "InceptionV3"}))
    found = open_extractor(file).features([IMAGES], NAMES)
    assert set(found) == {"T1", "T2", "T1c", "Flair"} and found["T1"].shape == (2, 2048)
    direct = keras.ops.convert_to_numpy(model(2 * np.repeat(IMAGES[..., 3:], 3, axis=-1) - 1, training=False))
    np.testing.assert_allclose(found["Flair"], direct.mean((1, 2)), rtol=1e-3, atol=1e-5)
    with pytest.raises(MedSynthError, match=r"those of ResNet50 without its top.*notop"):
        open_extractor(file, (0, 1), "ResNet50")
