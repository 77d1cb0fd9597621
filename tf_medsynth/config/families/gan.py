"""Family `gan`: a plain GAN for each modality, from noise; `method` section 4.6."""

from tf_medsynth.config.families.multimodal import MultimodalSettings
from tf_medsynth.config.image_gan import SMALL_TRAINING, BaselineWeights, image_gan

FAMILY = image_gan(
    "gan",
    "each modality by a GAN of its own, from noise",
    sees="noise",
    weights=BaselineWeights(100.0, 70.0, 70.0, 0.0),
    needs=(),
    tiny={
        "weights": BaselineWeights(real=1.0, fake=1.0, adversarial=1.0, squared_reconstruction=0.0),
        # 600 steps at 96 pixels end in one shape a modality, at this rate as at twice it.
        "training": SMALL_TRAINING.override({"learning_rate": 5e-4}),
    },
    like=MultimodalSettings(),
)
