"""The pipeline: from patients to a pushed model, a Trainer a stage."""

from kfp import dsl

from pipelines.components import (
    IMAGE,
    evaluator,
    example_gen,
    pusher,
    statistics_gen,
    structure_transform,
    synthetic_example_gen,
    trainer,
)
from tf_medsynth.config.families import NEEDS, STAGES

NAME = "medsynth"


def build_pipeline(image: str = IMAGE, titled: bool = True) -> dsl.graph_component.GraphComponent:
    """The pipeline as Kubeflow Pipelines knows it: parameters root, manual_dir, schema_file, settings.

    Args:
        image: container image of every step; a run on this machine does not look at it.
        titled: whether steps have titles for a cluster's page, which a run on this machine warns of.
    """

    def placed(task: dsl.PipelineTask, name: str) -> dsl.PipelineTask:
        # A runner's cache would not see that a folder is gone; the functions do, and skip by themselves.
        task.set_caching_options(False)
        if titled:
            task.set_display_name(name)
        return task if image == IMAGE else task.set_container_image(image)

    @dsl.pipeline(name=NAME, description="Labelled, registered, multimodal medical images from noise")
    def medsynth(root: str, settings: dict, manual_dir: str = "", schema_file: str = "") -> None:
        common = {"root": root, "settings": settings}
        data = placed(example_gen(manual_dir=manual_dir, **common), "ExampleGen")
        examples = data.outputs["examples"]
        checked = placed(
            statistics_gen(schema_file=schema_file, examples=examples, **common), "StatisticsGen"
        )
        settled = placed(
            structure_transform(examples=examples, anomalies=checked.outputs["anomalies"], **common),
            "StructureTransform",
        )
        common |= {"examples": examples, "transform": settled.outputs["transform"]}
        trained: dict[str, dsl.PipelineTask] = {}
        for stage in STAGES:
            task = placed(trainer(stage=stage, **common), f"Trainer {stage}")
            trained[stage] = task.after(*(trained[need] for need in NEEDS[stage]))
        last = trained[STAGES[-1]].outputs["model"]
        common = {"root": root, "settings": settings}
        drawn = placed(synthetic_example_gen(model=last, **common), "SyntheticExampleGen").outputs
        verdict = placed(
            evaluator(examples=drawn["examples"], unfiltered=drawn["unfiltered"], **common), "Evaluator"
        ).outputs
        with dsl.If(verdict["Output"] == True, "blessed"):  # noqa: E712  (compared by Kubeflow Pipelines)
            placed(pusher(model=last, blessing=verdict["blessing"], **common), "Pusher")

    return medsynth
