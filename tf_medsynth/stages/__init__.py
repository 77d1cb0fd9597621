"""Training stages: one Keras model with its own `train_step` a file; `base` optimises them all."""
