"""Status and metadata of a served model, in TensorFlow Serving's messages."""

from __future__ import annotations

from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataResponse, SignatureDefMap
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse, ModelVersionStatus

from tf_medsynth.serving.model import ServedModel


def model_status(model: ServedModel) -> GetModelStatusResponse:
    """That the model's version is available; a server that loads answers nobody."""
    version = ModelVersionStatus(version=model.version, state=ModelVersionStatus.AVAILABLE)
    version.status.SetInParent()
    return GetModelStatusResponse(model_version_status=[version])


def model_metadata(model: ServedModel) -> GetModelMetadataResponse:
    """Names, dtypes and shapes of every signature's tensors."""
    reply = GetModelMetadataResponse()
    reply.model_spec.name = model.name
    reply.model_spec.version.value = model.version
    reply.metadata["signature_def"].Pack(_signatures(model))
    return reply


def as_json(model: ServedModel, reply: GetModelMetadataResponse) -> dict[str, Any]:
    """Metadata as TensorFlow Serving's JSON, in which the packed signatures lie open."""
    signatures = {"signature_def": plain(_signatures(model))}
    return {"model_spec": plain(reply.model_spec), "metadata": signatures}


def plain(message: Message) -> dict[str, Any]:
    """A message as TensorFlow Serving's JSON: the protocol's names, and every field."""
    return dict(
        MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    )


def _signatures(model: ServedModel) -> SignatureDefMap:
    return SignatureDefMap(signature_def=model.definitions)
