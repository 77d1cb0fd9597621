"""The verb `pipeline`: what is refused, what is compiled, and one whole run in miniature."""

import importlib.util
import json
import shutil
import subprocess
import sys

import pytest
import yaml

from pipelines.pipeline import pipeline
from tests.pipelines.tiny_pipeline import OVERRIDES
from tf_medsynth.config.families import STAGES
from tf_medsynth.types import MedSynthError

pytestmark = pytest.mark.skipif(importlib.util.find_spec("kfp") is None, reason="needs the extra [pipeline]")

TRAINERS = {f"trainer-{stage}" for stage in STAGES}
STEPS = {
    "example-gen",
    "statistics-gen",
    "structure-transform",
    "synthetic-example-gen",
    "evaluator",
} | TRAINERS


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    file = tmp_path_factory.mktemp("compiled") / "medsynth.yaml"
    made = pipeline("compile", out=file, image="registry.example/medsynth:1", overrides=OVERRIDES)
    assert made.render() == f"pipeline -> {file}" and made.exit_status == 0
    return next(yaml.safe_load_all(file.read_text()))


def test_the_graph_is_the_method(compiled):
    tasks = compiled["root"]["dag"]["tasks"]
    needs = {name: set(task.get("dependentTasks", [])) for name, task in tasks.items()}
    assert needs["statistics-gen"] == {"example-gen"}
    assert needs["structure-transform"] == {"example-gen", "statistics-gen"}
    trainers = {"trainer", "trainer-2", "trainer-3"}
    assert all(needs[name] == {"example-gen", "structure-transform"} for name in trainers)
    assert needs["trainer-4"] >= trainers
    assert needs["synthetic-example-gen"] == {"trainer-4"}
    (gate,) = (name for name in tasks if name.startswith("condition"))
    assert "evaluator-Output" in tasks[gate]["triggerPolicy"]["condition"]


def test_only_the_blessed_branch_pushes(compiled):
    inner = {
        task
        for name, component in compiled["components"].items()
        if name.startswith("comp-condition")
        for task in component["dag"]["tasks"]
    }
    assert inner == {"pusher"} and "pusher" not in compiled["root"]["dag"]["tasks"]


def test_artifacts_are_typed(compiled):
    components = compiled["components"]
    ends = [components["comp-trainer"][f"{end}Definitions"]["artifacts"] for end in ("input", "output")]
    types = {name: spec["artifactType"]["schemaTitle"] for end in ends for name, spec in end.items()}
    assert types["examples"] == "system.Dataset" and types["model"] == "system.Model"


def test_every_step_takes_the_image_and_leaves_skipping_to_its_function(compiled):
    images = {e["container"]["image"] for e in compiled["deploymentSpec"]["executors"].values()}
    tasks = compiled["root"]["dag"]["tasks"].values()
    assert not any(task.get("cachingOptions", {}).get("enableCache") for task in tasks)
    assert images == {"registry.example/medsynth:1"}


def test_settings_are_the_yaml_defaults(compiled):
    parameters = compiled["root"]["inputDefinitions"]["parameters"]
    assert parameters["settings"]["defaultValue"]["count"] == 3
    assert "defaultValue" not in parameters["root"]


@pytest.mark.parametrize(
    ("action", "options", "message"),
    [
        ("paint", {}, "run or compiled"),
        ("run", {"manual_dir": "absent"}, "manual_dir must be there"),
        ("run", {"schema": "absent.json"}, "schema must be there"),
        ("run", {"colour": "red"}, "unknown setting of PipelineConfig"),
        ("compile", {"overrides": {"lesion.colour": 1}}, "unknown setting of LesionSettings"),
        ("compile", {}, r"a \.yaml file"),
    ],
)
def test_what_cannot_be_run_is_refused_before_work(tmp_path, action, options, message):
    with pytest.raises(MedSynthError, match=message):
        pipeline(action, out=tmp_path / "out", **options)
    assert not list(tmp_path.iterdir())


def test_without_kubeflow_pipelines_one_line_names_the_extra(tmp_path):
    code = "import sys; sys.modules['kfp'] = None; from tf_medsynth.cli.main import main; sys.exit(main())"
    for words in (["demo"], ["pipeline", "run", "--out", "x"], ["pipeline", "compile", "--out", "x.yaml"]):
        command = [sys.executable, "-c", code, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert "pip install 'tf_medsynth[pipeline]'" in done.stderr


# Slow: through Kubeflow Pipelines, a process a step -----------------------------------------------


@pytest.fixture(scope="module")
def ran(patients, tmp_path_factory):
    out = tmp_path_factory.mktemp("pipeline") / "out"
    return pipeline("run", out=out, manual_dir=patients, overrides=OVERRIDES)


def records(out):
    return {file.stem: json.loads(file.read_text()) for file in (out / "lineage").glob("*.json")}


@pytest.mark.slow
def test_a_run_goes_from_patients_to_a_pushed_model(ran):
    assert ran.blessed and ran.exit_status == 0 and ran.samples == 3
    assert (
        ran.pushed / "saved_model.pb"
    ).is_file() and ran.pushed.parent == ran.out / "saved_models/medsynth"
    assert (ran.out / "report.html").is_file()


@pytest.mark.slow
def test_every_step_leaves_its_lineage(ran):
    found = records(ran.out)
    assert found.keys() == STEPS | {"pusher"}
    made = {o["fingerprint"] for r in found.values() for o in r["outputs"].values()}
    read = {
        i["fingerprint"] for step in found.keys() - {"example-gen"} for i in found[step]["inputs"].values()
    }
    assert read <= made
    model = found["trainer-multimodal"]["outputs"]["model"]["fingerprint"]
    assert found["synthetic-example-gen"]["inputs"]["model"]["fingerprint"] == model
    page = (ran.out / "lineage" / "lineage.md").read_text()
    assert all(f"| {step} |" in page for step in found)


@pytest.mark.slow
def test_a_second_run_makes_nothing_new_and_an_unblessed_model_is_not_pushed(ran, patients, tmp_path):
    out = shutil.copytree(ran.out, tmp_path / "out")
    shutil.rmtree(out / "saved_models")
    (out / "run" / "multimodal" / "finished.json").unlink()  # killed before it could say that it was done
    strict = {**OVERRIDES, "blessing.sharpness": 1.0}
    again = pipeline("run", out=out, manual_dir=patients, overrides=strict)
    assert not again.blessed and again.exit_status == 1 and again.pushed is None
    assert "sharpness of T1" in again.render() and not (out / "saved_models").exists()
    before, after = records(ran.out), records(out)
    kept = STEPS - {"trainer-multimodal", "evaluator"}
    assert {step: after[step] for step in kept} == {step: before[step] for step in kept}
    models = [r["trainer-multimodal"]["outputs"]["model"]["fingerprint"] for r in (before, after)]
    assert models[0] == models[1]


@pytest.mark.slow
def test_a_component_that_fails_is_named_with_its_error(tmp_path):
    message = r"^component example-gen of the pipeline failed: .*$"
    with pytest.raises(MedSynthError, match=message) as caught:
        pipeline("run", out=tmp_path / "out", manual_dir=tmp_path, overrides=OVERRIDES)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out" / "data").exists()
