"""The certificate of memorisation, end to end: a set with planted training slices."""

import json

import numpy as np
import pytest

from tests.generation.analytic import parts
from tf_medsynth.config.generation import GenerationConfig
from tf_medsynth.data.slices import open_slices
from tf_medsynth.experiments.audit import audit
from tf_medsynth.generation import publish, stream
from tf_medsynth.types import MedSynthError

COPIES = (2, 5)


@pytest.fixture(scope="module")
def generated(tiny_dataset, tmp_path_factory):
    """Eight ellipses, two of which show a mirrored training slice instead."""
    folder = tmp_path_factory.mktemp("generated")
    synthesiser, pool = parts()
    slices = [e["images"] for e in open_slices(**tiny_dataset.where).examples().as_numpy_iterator()]
    render = synthesiser.render

    def copying(*arguments):
        images = render(*arguments)
        for row, k in enumerate(arguments[-1]):
            if k in COPIES:
                images[row] = np.roll(slices[int(k)][:, ::-1], 1, 0)
        return images

    synthesiser.render = copying
    spool = stream(synthesiser, pool, GenerationConfig(filter=False), 3, 8, folder / "spool")
    publish(spool, folder / "set", "tfds", 8)
    return folder / "set"


def test_planted_slices_are_named_in_the_certificate(generated, tiny_dataset):
    done = audit("memorisation", generated, tiny_dataset.name, data_dir=tiny_dataset.data_dir)
    kept = json.loads((generated / "certificates" / "memorisation.json").read_text())
    near = {
        row["sample"] for row in kept["rows"] if row["pixel_distance"] < kept["spaces"]["pixel"]["threshold"]
    }
    assert near == {f"{k:08d}" for k in COPIES}
    assert all(row["pixel_nearest"] in tiny_dataset.patients["train"] for row in kept["rows"])
    assert kept["counts"] == {
        "samples": 8, "training": 24, "training_patients": 3, "heldout": 8, "heldout_patients": 1,
    }  # fmt: skip
    assert "pixel: 2 of 8 samples (25.0%)" in done.render() and "membership inference: AUC" in done.render()


def test_training_and_held_out_patients_are_both_needed(generated, tiny_dataset):
    with pytest.raises(MedSynthError, match="needs another set"):
        audit("memorisation", generated)
    with pytest.raises(MedSynthError, match="judged by the test split"):
        audit("memorisation", generated, f"{tiny_dataset.name}:train", data_dir=tiny_dataset.data_dir)
