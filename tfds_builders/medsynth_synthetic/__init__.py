"""The `medsynth_synthetic` data set: synthetic modalities with map, mask, lesion label and scores."""
