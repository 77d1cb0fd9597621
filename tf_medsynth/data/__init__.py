"""From a prepared TFDS split to batches, every random draw named by a seed and a position."""
