"""The `brats` data set: four registered MRI modalities and a lesion label, any published year."""
