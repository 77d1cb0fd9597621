"""The components as Kubeflow Pipelines knows them: their names, and their typed inputs and outputs.

Kubeflow Pipelines sends the source of a component's body alone, and runs it where a component cannot be
defined, so a body imports the step of its name. Annotations are read as objects, so this file does
without ``from __future__ import annotations``.
"""

import functools

from kfp import dsl

IMAGE = "tf-medsynth-python"
"""Container image of the steps; ``medsynth pipeline compile --image`` names yours."""

component = functools.partial(dsl.component, base_image=IMAGE, install_kfp_package=False)


@component()
def example_gen(root: str, manual_dir: str, settings: dict, examples: dsl.Output[dsl.Dataset]) -> None:
    """Prepares the patients of `manual_dir`, or of a phantom cohort."""
    from pipelines.steps.example_gen import prepare_examples

    prepare_examples(root, manual_dir, settings, examples)


@component()
def statistics_gen(
    root: str,
    schema_file: str,
    settings: dict,
    examples: dsl.Input[dsl.Dataset],
    statistics: dsl.Output[dsl.Artifact],
    schema: dsl.Output[dsl.Artifact],
    anomalies: dsl.Output[dsl.Artifact],
) -> None:
    """Describes the examples and checks them against a schema; fails where they do not keep it."""
    from pipelines.steps.statistics_gen import describe

    outputs = {"statistics": statistics, "schema": schema, "anomalies": anomalies}
    describe(root, schema_file, settings, examples, outputs)


@component()
def structure_transform(
    root: str,
    settings: dict,
    examples: dsl.Input[dsl.Dataset],
    anomalies: dsl.Input[dsl.Artifact],
    transform: dsl.Output[dsl.Artifact],
) -> None:
    """Settles the operators for examples that keep their schema, and measures the maps they draw."""
    from pipelines.steps.structure_transform import settle_operators

    settle_operators(root, settings, examples, anomalies, transform)


@component()
def trainer(
    stage: str,
    root: str,
    settings: dict,
    examples: dsl.Input[dsl.Dataset],
    transform: dsl.Input[dsl.Artifact],
    model: dsl.Output[dsl.Model],
) -> None:
    """Trains a family, on those that it needs: they are in the folder by then."""
    from pipelines.steps.trainer import train_stage

    train_stage(stage, root, settings, {"examples": examples, "transform": transform}, model)


@component()
def synthetic_example_gen(
    root: str,
    settings: dict,
    model: dsl.Input[dsl.Model],
    examples: dsl.Output[dsl.Dataset],
    unfiltered: dsl.Output[dsl.Dataset],
) -> None:
    """Draws both data sets from a finished run."""
    from pipelines.steps.synthetic_example_gen import generate_examples

    generate_examples(root, settings, model, {"unfiltered": unfiltered, "examples": examples})


@component()
def evaluator(
    root: str,
    settings: dict,
    examples: dsl.Input[dsl.Dataset],
    unfiltered: dsl.Input[dsl.Dataset],
    evaluation: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
    blessing: dsl.Output[dsl.Artifact],
) -> bool:
    """Returns whether the model is blessed."""
    from pipelines.steps.evaluator import judge

    inputs = {"examples": examples, "unfiltered": unfiltered}
    outputs = {"evaluation": evaluation, "report": report, "blessing": blessing}
    return judge(root, settings, inputs, outputs)


@component()
def pusher(
    root: str,
    settings: dict,
    model: dsl.Input[dsl.Model],
    blessing: dsl.Input[dsl.Artifact],
    pushed: dsl.Output[dsl.Model],
) -> None:
    """Exports the run's model; refuses one that is not blessed."""
    from pipelines.steps.pusher import push

    push(root, settings, {"model": model, "blessing": blessing}, pushed)
