"""Pure functions from tensors to one loss value a sample, shape ``(B,)``, float32."""
