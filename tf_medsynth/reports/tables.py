"""The evaluators' dictionaries as tables for the report: text in cells, nothing computed anew."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tf_medsynth.config.base import check
from tf_medsynth.evaluation.findings import UNKNOWN, number
from tf_medsynth.evaluation.segmentation import SURFACE_TOLERANCE, surface_names


@dataclasses.dataclass(frozen=True)
class Table:
    """A titled table of text.

    Attributes:
        title: what it shows.
        columns: headings.
        rows: one text a column.
        note: how to read it, or what is missing.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def __post_init__(self) -> None:
        """Checks that every row fills every column."""
        widths = {len(row) for row in self.rows}
        check(
            f"each row of {self.title!r} needs {len(self.columns)} cells",
            widths <= {len(self.columns)},
            cells=sorted(widths),
        )


def as_markdown(table: Table) -> str:
    """The table under its title, its note below."""
    lines = [table.columns, ["---"] * len(table.columns), *table.rows]
    body = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return "\n\n".join([f"### {table.title}", body, *([table.note] if table.note else [])])


def percent(value: Any, signed: bool = False) -> str:
    """A share as a percentage with one decimal, `UNKNOWN` for None and NaN."""
    if number(value) == UNKNOWN:
        return UNKNOWN
    return (f"{100 * value:+.1f}" if signed else f"{100 * value:.1f}") + "\N{NO-BREAK SPACE}%"


def spelled(name: str) -> str:
    """A key as words."""
    return name.replace("non_enhancing", "non-enhancing").replace("_", " ")


def quality_table(quality: Mapping[str, Any]) -> Table:
    """What `evaluation.quality.image_quality` found, a column a modality."""
    names = list(quality["laplacian_ratio"])
    mean, std = quality["intensity_mean"], quality["intensity_std"]
    rows = [
        ("sharpness, of real", percent, quality["laplacian_ratio"]),
        ("sharpness without rim, of real", percent, quality["laplacian_ratio_interior"]),
        ("sharpness from real maps, of real", percent, quality.get("laplacian_ratio_same_maps")),
        ("intensity mean, synthetic", number, mean["synthetic"]),
        ("intensity mean, real", number, mean["real"]),
        ("mean: difference", _signed, mean["relative_difference"]),
        ("intensity spread, synthetic", number, std["synthetic"]),
        ("intensity spread, real", number, std["real"]),
        ("spread: difference", _signed, std["relative_difference"]),
        ("SSIM to own real image", number, quality.get("ssim")),
        ("SSIM inside the organ", number, quality.get("ssim_inside")),
        ("MAE to own real image", number, quality.get("mae")),
        ("MAE inside the organ", number, quality.get("mae_inside")),
        ("PSNR to own real image, dB", _decibels, quality.get("psnr")),
        ("PSNR inside the organ, dB", _decibels, quality.get("psnr_inside")),
    ]
    return Table(
        "Image quality",
        ["measure", *names],
        [
            [title, *(shown(values.get(name)) for name in names)]
            for title, shown, values in rows
            if values is not None
        ],
        f"{quality['synthetic_images']} synthetic and {quality['real_images']} real images; "
        f"{quality['synthetic_without_organ']} synthetic without an organ enter no average. Sharpness is the "
        "mean absolute Laplacian inside the organ.",
    )


def registration_table(synthetic: Mapping[str, Any], real: Mapping[str, Any]) -> Table:
    """What `evaluation.registration.registration_shifts` found, synthetic beside real."""

    def row(title: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
        return [title, *(number(source.get(key), 2) for source in (one, other) for key in ("median", "p95"))]

    pairs = [row(name, found, real["pairs"].get(name, {})) for name, found in synthetic["pairs"].items()]
    return Table(
        "Shift between modalities, px",
        ["pair", "synthetic median", "synthetic 95 %", "real median", "real 95 %"],
        [row("all pairs", synthetic, real), *pairs],
        f"{synthetic['images']} synthetic and {real['images']} real images; not measurable (constant): "
        f"{synthetic['unmeasured']} and {real['unmeasured']} pairs. The estimator reads a shift between "
        "real, registered contrasts too, so only the comparison counts.",
    )


def lesion_table(synthetic: Mapping[str, Any], real: Mapping[str, Any]) -> Table:
    """What `evaluation.lesion.lesion_agreement` found on synthetic samples, beside real test patients."""
    names = ["whole_lesion", *synthetic["classes"]]

    def scores(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        chosen: Mapping[str, Any] = (
            found["whole_lesion"] if name == "whole_lesion" else found["classes"][name]
        )
        return chosen

    rows = [
        [
            spelled(name),
            *(
                number(scores(found, name)[key])
                for found in (synthetic, real)
                for key in ("per_slice", "pooled")
            ),
        ]
        for name in names
    ]
    slices = [found["whole_lesion"]["slices"] for found in (synthetic, real)]
    return Table(
        "Lesion agreement, Dice",
        ["region", "synthetic, per slice", "synthetic, pooled", "real, per slice", "real, pooled"],
        rows,
        f"{slices[0]} synthetic and {slices[1]} real slices with a lesion, read by one segmentor that shares "
        "neither seed nor patients with the guides. Found on empty labels: "
        f"{percent(synthetic['hallucinated'])} of {synthetic['empty_labels']} synthetic, "
        f"{percent(real['hallucinated'])} of {real['empty_labels']} real. Above the real score means easier "
        "lesions, not better images.",
    )


def lesion_measures_table(synthetic: Mapping[str, Any], real: Mapping[str, Any]) -> Table:
    """Every other measure of a lesion that `evaluation.lesion` found, a row a measure."""
    hd95, surface = surface_names("px")
    names = {
        hd95: "HD95, px",
        surface: f"surface Dice at {SURFACE_TOLERANCE:g} px",
        "missed": "slices whose lesion was missed whole",
        "sensitivity": "sensitivity, pixels",
        "specificity": "specificity, pixels",
        "accuracy": "accuracy, pixels",
        "auc": "AUC, pixels",
        "box_map": "boxes: mAP at an IoU of 0.5",
        "box_iou": "boxes: mean IoU",
    }
    of_slices = {
        "slice_sensitivity": "sensitivity, slices",
        "slice_specificity": "specificity, slices",
        "slice_accuracy": "accuracy, slices",
        "slice_auc": "AUC, slices",
    }
    both = (synthetic, real)
    regions = {"whole lesion": [found["whole_lesion"] for found in both]}
    regions |= {spelled(k): [found["classes"][k] for found in both] for k in synthetic["classes"]}
    rows = [
        *((f"IoU, {name}", [scores["iou"]["per_slice"] for scores in own]) for name, own in regions.items()),
        *((title, [found["measures"][key] for found in both]) for key, title in names.items()),
        *((title, [found["slices"][key] for found in both]) for key, title in of_slices.items()),
        ("code Dice", [found["legacy_dice"] for found in both]),
        ("code MSE", [found["legacy_mse"] for found in both]),
    ]
    counts = [f"{side['slices']['with_lesion']} and {side['slices']['without_lesion']}" for side in both]
    return Table(
        "Lesion agreement, further measures",
        ["measure", "synthetic", "real"],
        [[title, *map(number, values)] for title, values in rows],
        "Means over the slices with a lesion, and HD95 over those of them where one was found; pixels are "
        "all of the slice, the background too. Slices with and without a lesion: synthetic "
        f"{counts[0]}, real {counts[1]}. Code Dice and MSE take label codes as numbers, as the papers do.",
    )


def _lesion_tables(found: Mapping[str, Any]) -> list[Table]:
    both = found["synthetic"], found["real"]
    return [lesion_table(*both), lesion_measures_table(*both)]


def evaluation_tables(evaluation: Mapping[str, Any]) -> list[Table]:
    """Every table of what `audits.evaluate` answers, of the groups that were measured."""
    made: dict[str, Callable[[Any], list[Table]]] = {
        "structure": lambda found: [structure_table(found)],
        "quality": lambda found: [quality_table(found)],
        "registration": lambda found: [registration_table(found["synthetic"], found["real"])],
        "realism": lambda found: [realism_table([found])],
        "lesion": _lesion_tables,
        "distribution": distribution_tables,
        "diversity": lambda found: [diversity_table(found)],
    }
    return [
        table for group, tables in made.items() if group in evaluation for table in tables(evaluation[group])
    ]


def structure_table(quality: Mapping[str, Any]) -> Table:
    """What `evaluation.structure.structure_quality` found, generated maps beside real ones."""
    shares = {
        "contour_pass_rate": "closed contours",
        "line_share": "line pixels inside the organ",
        "interior_line_share": "line pixels away from the outline",
    }
    distances = {
        "line_thickness": "line thickness, px",
        "mean_pairwise_distance": "distance between two maps",
        "nearest_training_distance": "distance to the nearest training map",
    }
    rows = [
        [title, *(shown(quality[key][source]) for source in ("generated", "real"))]
        for titles, shown in ((shares, percent), (distances, number))
        for key, title in titles.items()
        if key in quality
    ]
    return Table(
        "Structure maps from plain noise",
        ["measure", "generated", "real"],
        rows,
        f"{quality['generated_maps']} generated, unfiltered ({quality['without_organ']} without an organ) "
        f"and {quality['real_maps']} real maps. Distances are shares of differing pixels.",
    )


def realism_table(runs: Sequence[Mapping[str, Any]]) -> Table:
    """What `evaluation.realism.real_or_synthetic` found, a row a seed."""
    return Table(
        "Real or synthetic? A classifier on held-out patients",
        ["seed", "AUC", "accuracy", "on real", "on synthetic", "training accuracy"],
        [
            [
                str(run["seed"]),
                number(run["auc"]),
                *(
                    percent(run[key])
                    for key in ("accuracy", "accuracy_real", "accuracy_synthetic", "training_accuracy")
                ),
            ]
            for run in runs
        ],
        "0.5 is chance, 1 is always right: low is good. "
        + " ".join(
            f"Seed {run['seed']}: {run['test_images']} images, {run['test_patients']} patients."
            for run in runs
        ),
    )


def distribution_tables(found: Mapping[str, Any]) -> list[Table]:
    """What `evaluation.distribution.distribution_quality` found: a table a feature set and real side."""
    extractor = found["extractor"]
    return [
        _distribution_table(
            quality, f"{side.replace('_', ' ')}, {name.replace('all', 'all modalities')}", extractor
        )
        for side in ("all_patients", "test_patients")
        for name, quality in found.get(side, {}).items()
    ]


def _distribution_table(quality: Mapping[str, Any], what: str, extractor: Mapping[str, Any]) -> Table:
    titles = {
        "frechet": "Frechet distance",
        "kernel": "kernel distance",
        "precision": "precision",
        "recall": "recall",
        "density": "density",
        "coverage": "coverage",
    }
    kernel = quality["kernel"]
    bounds = [[number(v, 5) for v in kernel[key] or (None, None)] for key in ("interval", "floor_interval")]
    rows = [
        [title, *(number(quality[key][side], 5 if key == "kernel" else 3) for side in ("value", "floor"))]
        for key, title in titles.items()
    ]
    rows.insert(2, ["kernel distance, 95 % interval", *(" to ".join(pair) for pair in bounds)])
    why = quality["frechet"].get("why")
    return Table(
        f"Distribution of features: {what}",
        ["measure", "synthetic to real", "real half to real half"],
        rows,
        f"{quality['n']} images of each side, {quality['features']} features of {extractor['name']} "
        f"(sha256 {extractor['sha256'][:16]}), {quality['patients']} patients. The second column is what two "
        "halves of the real patients reach." + (f" Frechet distance {why}." if why else ""),
    )


def diversity_table(found: Mapping[str, Any]) -> Table:
    """What `evaluation.diversity.diversity` found, a column a modality."""
    names = list(found["difference"])
    rows = [
        [f"{title}, {side}", *(number(found[side][key][name]) for name in names)]
        for side in ("synthetic", "real")
        for key, title in (("mean", "mean"), ("std", "spread"))
    ]
    return Table(
        f"Likeness of two random images: {found['measure']}",
        ["pairs", *names],
        rows,
        f"{found['synthetic']['pairs']} synthetic pairs; {found['real']['pairs']} real ones, of two "
        "patients each. Above the real mean the set repeats itself; below it, its images have too little in "
        "common.",
    )


def _decibels(value: Any) -> str:
    return number(value, 1)


def _signed(value: Any) -> str:
    return percent(value, signed=True)
