"""The certificate of memorisation, end to end: a set with planted training slices."""

import hashlib
import json
import shutil

import keras
import pytest

from tests.generation.analytic import parts
from tf_medsynth.audits.audit import audit
from tf_medsynth.cli.main import main
from tf_medsynth.config.data import DataSettings
from tf_medsynth.config.generation import GenerationConfig
from tf_medsynth.data.patients import patient_hashes
from tf_medsynth.data.slices import open_slices
from tf_medsynth.generation import publish, stream
from tf_medsynth.generation.provenance import Provenance
from tf_medsynth.types import MedSynthError

COPIES = (2, 5)
SETTINGS = DataSettings(normalisation="minmax")


@pytest.fixture(scope="module")
def generated(tiny_dataset, tmp_path_factory):
    """Eight ellipses, two of which show a mirrored training slice instead."""
    folder = tmp_path_factory.mktemp("generated")
    synthesiser, pool = parts()
    source = open_slices(**tiny_dataset.where, settings=SETTINGS)
    slices = [e["images"] for e in source.examples().as_numpy_iterator()]
    render = synthesiser.render

    def copying(*arguments):
        images = render(*arguments)
        for row, k in enumerate(arguments[-1]):
            if k in COPIES:
                images[row] = slices[int(k)][:, ::-1]
        return images

    synthesiser.render = copying
    spool = stream(synthesiser, pool, GenerationConfig(filter=False), 3, 8, folder / "spool")
    facts = {"patient_hashes": patient_hashes(source.patients), "data_settings": SETTINGS.to_dict()}
    publish(spool, folder / "set", "tfds", 8, provenance=Provenance(training_data=facts))
    return folder / "set"


@pytest.fixture
def retold(generated, tmp_path):
    """A copy of the set whose summary says something else of its generator's training."""

    def copied(training):
        folder = shutil.copytree(generated, tmp_path / "retold", dirs_exist_ok=True)
        summary = json.loads((folder / "summary.json").read_text())
        (folder / "summary.json").write_text(json.dumps({**summary, "training": training}))
        return folder

    return copied


@pytest.fixture(scope="module")
def extractor(tmp_path_factory):
    """Means of the modalities, and of their left halves."""
    file = tmp_path_factory.mktemp("extractor") / "means.keras"
    inputs = keras.Input((32, 32, 4))
    left = keras.layers.Cropping2D(((0, 0), (0, 16)))(inputs)
    means = [keras.layers.GlobalAveragePooling2D()(part) for part in (inputs, left)]
    keras.Model(inputs, keras.layers.Concatenate()(means)).save(file)
    return file


def test_planted_slices_are_named_in_the_certificate(generated, tiny_dataset):
    done = audit("memorisation", generated, tiny_dataset.name, data_dir=tiny_dataset.data_dir)
    kept = json.loads((generated / "certificates" / "memorisation.json").read_text())
    near = {
        row["sample"] for row in kept["rows"] if row["pixel_distance"] < kept["spaces"]["pixel"]["threshold"]
    }
    assert near == {f"{k:08d}" for k in COPIES}
    hashes = patient_hashes(tiny_dataset.patients["train"])
    assert all(row["pixel_nearest"] in hashes for row in kept["rows"])
    assert not any(name in json.dumps(kept["rows"]) for name in tiny_dataset.patients["train"])
    assert kept["counts"] == {
        "samples": 8, "training": 24, "training_patients": 3, "heldout": 8, "heldout_patients": 1,
    }  # fmt: skip
    assert "pixel: 2 of 8 samples (25.0%)" in done.render() and "membership inference: AUC" in done.render()


def test_features_are_those_of_images_as_the_generator_saw_them(generated, tiny_dataset, extractor, tmp_path):
    words = ["audit", "memorisation", str(generated), "--against", tiny_dataset.name, "--json"]
    words += ["--data-dir", str(tiny_dataset.data_dir), "--out", str(tmp_path / "c.json")]
    assert main([*words, "--features", str(extractor), "--feature-range", "0", "1"]) == 0
    kept = json.loads((tmp_path / "c.json").read_text())
    assert kept["normalisation"] == {"name": "minmax", "known": True} and kept["patients_not_compared"] == 0
    distance = [row["features_distance"] for row in kept["rows"]]
    # Mirrored copies, stored to four decimals: another normalisation would be another image.
    assert max(distance[k] for k in COPIES) < 1e-4 < min(d for k, d in enumerate(distance) if k not in COPIES)
    assert kept["extractor"]["name"] == "means.keras"
    assert kept["extractor"]["sha256"] == hashlib.sha256(extractor.read_bytes()).hexdigest()


def test_what_nobody_knows_of_the_generator_is_said(retold, tiny_dataset, extractor):
    where = {"against": tiny_dataset.name, "data_dir": tiny_dataset.data_dir}
    done = audit("memorisation", retold({}), **where)
    assert done.certificate["normalisation"] == {"name": "percentile", "known": False}
    assert "NOT KNOWN how the generator's data were normalised" in done.render()
    with pytest.raises(MedSynthError, match="normalisation is known"):
        audit("memorisation", retold({}), **where, features=extractor, feature_range=(0, 1))
    with pytest.raises(MedSynthError, match="features belong to memorisation"):
        audit("registration", retold({}), **where, features=extractor, feature_range=(0, 1))


def test_whom_the_generator_saw_is_compared_and_not_held_out(retold, tiny_dataset):
    where = {"against": tiny_dataset.name, "data_dir": tiny_dataset.data_dir}
    told = {"data_settings": SETTINGS.to_dict(), "patient_hashes": patient_hashes(["somebody else"])}
    done = audit("memorisation", retold(told), **where)
    assert done.certificate["patients_not_compared"] == 1 and "NOT COMPARED: 1 patient" in done.render()
    (shared,) = tiny_dataset.patients["test"]
    with pytest.raises(MedSynthError, match=f"never saw.*{shared}"):
        audit("memorisation", retold({**told, "patient_hashes": patient_hashes([shared])}), **where)


def test_training_and_held_out_patients_are_both_needed(generated, tiny_dataset):
    with pytest.raises(MedSynthError, match="needs another set"):
        audit("memorisation", generated)
    with pytest.raises(MedSynthError, match="judged by the test split"):
        audit("memorisation", generated, f"{tiny_dataset.name}:train", data_dir=tiny_dataset.data_dir)
