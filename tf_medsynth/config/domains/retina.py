"""Retina as a colour photograph of the fundus shows it: one modality of three channels, its vessels drawn."""

from tf_medsynth.config.domain import Domain, LabelSpec, SizedOperators

RETINA = Domain(
    name="retina",
    modalities=("fundus",),
    channels=3,
    label=LabelSpec(kind="structure", classes=("background", "vessel")),
    intensity="bytes",
    operators=(
        SizedOperators(128, "measured/retina_128"),
        SizedOperators(192, "measured/retina_192"),
        SizedOperators(256, "measured/retina_256"),
        SizedOperators(512, "thesis/retina"),
    ),
)
"""Channels are red, green, blue; label code 1 is a vessel."""
