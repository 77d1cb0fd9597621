"""Brain MRI as every BraTS release shows it: four registered modalities, a five-class lesion map."""

from tf_medsynth.config.domain import Domain, LabelSpec, SizedOperators

BRAIN_MRI = Domain(
    name="brain_mri",
    modalities=("T1", "T2", "T1c", "Flair"),
    label=LabelSpec(
        kind="classes",
        classes=("background", "necrosis", "oedema", "non_enhancing", "enhancing"),
    ),
    operators=(
        SizedOperators(32, "measured/brats_64"),
        SizedOperators(64, "measured/brats_64"),
        SizedOperators(96, "measured/brats_96"),
        SizedOperators(128, "measured/brats_128"),
        SizedOperators(144, "measured/brats"),
    ),
)
"""Label codes of every BraTS year are mapped to these classes; the index is the code."""
