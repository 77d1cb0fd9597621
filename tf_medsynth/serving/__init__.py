"""A SavedModel behind TensorFlow Serving's protocols, REST and gRPC; any SavedModel, not only ours."""

from tf_medsynth.serving.serve import ServeCommands, ServeSummary, serve

__all__ = ["ServeCommands", "ServeSummary", "serve"]
