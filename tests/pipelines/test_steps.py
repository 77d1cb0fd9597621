"""Every component's body in this process, in order, with artifacts of Kubeflow Pipelines."""

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

if importlib.util.find_spec("kfp") is None:
    pytest.skip("needs the extra [pipeline]", allow_module_level=True)

from kfp import dsl

from pipelines import components
from tests.pipelines.tiny_pipeline import OVERRIDES
from tf_medsynth.config.families import STAGES
from tf_medsynth.config.pipeline import PipelineConfig
from tf_medsynth.types import MedSynthError

pytestmark = pytest.mark.slow

GIVEN = {"settings", "root", "manual_dir", "schema_file", "stage"}


def call(component, place, **inputs):
    """Runs a component's body; returns its outputs by name."""
    function = component.python_func
    made = {
        name: annotation.__origin__(name=name, uri=str(place.root / ".kfp" / name), metadata={})
        for name, annotation in function.__annotations__.items()
        if name not in {"return", *GIVEN, *inputs}
    }
    common = {"root": str(place.root), "settings": place.settings}
    answer = function(**common, **inputs, **made)
    return SimpleNamespace(**made, answer=answer)


@pytest.fixture(scope="module")
def place(patients, tmp_path_factory):
    """Every step but the push, as the pipeline joins them."""
    root = tmp_path_factory.mktemp("steps") / "root"
    settings = PipelineConfig().assign(OVERRIDES).to_dict()
    place = SimpleNamespace(root=root, settings=settings)
    run_all(place, patients)
    return place


def run_all(place, manual_dir):
    place.examples = call(components.example_gen, place, manual_dir=str(manual_dir)).examples
    place.described = call(components.statistics_gen, place, schema_file="", examples=place.examples)
    place.transform = call(
        components.structure_transform, place, examples=place.examples, anomalies=place.described.anomalies
    ).transform
    common = {"examples": place.examples, "transform": place.transform}
    for stage in STAGES:
        place.model = call(components.trainer, place, stage=stage, **common).model
    place.drawn = call(components.synthetic_example_gen, place, model=place.model)
    place.judged = call(
        components.evaluator, place, examples=place.drawn.examples, unfiltered=place.drawn.unfiltered
    )


def records(root):
    return {file.stem: json.loads(file.read_text()) for file in (root / "lineage").glob("*.json")}


def test_the_steps_end_with_a_verdict(place):
    assert place.judged.answer is True and place.judged.blessing.metadata["reasons"] == []
    assert isinstance(place.judged.report, dsl.HTML) and "<img" in Path(place.judged.report.path).read_text()


def test_artifacts_are_named_by_content_and_every_input_has_its_maker(place):
    found = records(place.root)
    made = {o["fingerprint"] for r in found.values() for o in r["outputs"].values()}
    read = {
        i["fingerprint"] for step in found.keys() - {"example-gen"} for i in found[step]["inputs"].values()
    }
    assert read <= made
    assert all((place.root / o["uri"]).exists() for r in found.values() for o in r["outputs"].values())


def test_finished_steps_are_recognised(place, patients):
    before = records(place.root)
    run_all(place, patients)
    assert records(place.root) == before


def test_an_artifact_that_cannot_be_read_is_told(place, tmp_path):
    (tmp_path / "transform.json").write_text("{")
    broken = dsl.Artifact(uri=str(tmp_path / "transform.json"), metadata={"fingerprint": "none"})
    with pytest.raises(MedSynthError, match=r"whole JSON.*transform\.json"):
        call(components.trainer, place, stage="lesion", examples=place.examples, transform=broken)
    failed = place.root / "lineage" / "trainer-lesion.failed.json"
    assert "whole JSON" in json.loads(failed.read_text())["error"]
    failed.unlink()


def test_what_is_not_blessed_is_not_pushed(place, tmp_path):
    held = json.loads(Path(place.judged.blessing.path).read_text())
    held["findings"][0]["held"] = False
    (tmp_path / "blessing.json").write_text(json.dumps(held))
    refused = dsl.Artifact(uri=str(tmp_path / "blessing.json"), metadata={"fingerprint": "none"})
    with pytest.raises(MedSynthError, match="only a blessed model is pushed"):
        call(components.pusher, place, model=place.model, blessing=refused)
    assert not (place.root / "saved_models").exists()
    (place.root / "lineage" / "pusher.failed.json").unlink()
