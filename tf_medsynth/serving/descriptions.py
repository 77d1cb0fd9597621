"""Status and metadata of a served model, as TensorFlow Serving's JSON."""

from __future__ import annotations

from typing import Any

from google.protobuf.json_format import MessageToDict

from tf_medsynth.serving.model import ServedModel


def model_status(model: ServedModel) -> dict[str, Any]:
    """That the model's version is available; a server that loads answers nobody."""
    fine = {"error_code": "OK", "error_message": ""}
    return {
        "model_version_status": [{"version": str(model.version), "state": "AVAILABLE", "status": fine}],
    }


def model_metadata(model: ServedModel) -> dict[str, Any]:
    """Names, dtypes and shapes of every signature's tensors: the protocol's names, and every field."""
    signatures = {
        name: MessageToDict(
            definition, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
        for name, definition in model.definitions.items()
    }
    return {
        "model_spec": {"name": model.name, "signature_name": "", "version": str(model.version)},
        "metadata": {"signature_def": {"signature_def": signatures}},
    }
