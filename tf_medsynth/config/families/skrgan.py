"""Family `skrgan`: SkrGAN*, a GAN for each modality, from a sketch; `method` section 4.6."""

from tf_medsynth.config.families.multimodal import MultimodalSettings
from tf_medsynth.config.image_gan import SMALL_TRAINING, BaselineWeights, image_gan

FAMILY = image_gan(
    "skrgan",
    "each modality by a GAN of its own, from a sketch",
    sees="sketch",
    weights=BaselineWeights(),
    needs=("structure",),
    tiny={
        "weights": BaselineWeights(real=1.0, fake=1.0, adversarial=0.25, squared_reconstruction=5.0),
        "training": SMALL_TRAINING,
    },
    like=MultimodalSettings(),
)
