"""TensorFlow Serving's gRPC services over the official stubs: predict, metadata, status."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import grpc
import tensorflow as tf
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
    SignatureDefMap,
)
from tensorflow_serving.apis.get_model_status_pb2 import (
    GetModelStatusRequest,
    GetModelStatusResponse,
    ModelVersionStatus,
)
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

from tf_medsynth.config.base import check
from tf_medsynth.serving import proto_tensors
from tf_medsynth.serving.errors import status
from tf_medsynth.serving.predictor import Predictor

_PATIENCE = 5

Method = TypeVar("Method", bound=Callable[..., Any])


def add_services(server: grpc.Server, predictor: Predictor) -> None:
    """Adds both services to a server that has not started."""
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_Prediction(predictor), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(_Model(predictor), server)


def _answering(method: Method) -> Method:
    """`method`, whose errors end the call with their code and message instead of as unknown."""

    @functools.wraps(method)
    def wrapped(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except Exception as error:
            code, message = status(error)
        return context.abort(grpc.StatusCode[code], message)

    return wrapped  # type: ignore[return-value]


class _Prediction(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict and GetModelMetadata; what else the service names, it does not implement."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    @_answering
    def Predict(self, request: PredictRequest, context: grpc.ServicerContext) -> PredictResponse:
        """Outputs of a signature, all of them or those of the request's filter."""
        _check_model(self._predictor, request.model_spec)
        signature = self._predictor.signature(request.model_spec.signature_name)
        unknown = set(request.output_filter) - set(signature.outputs)
        check(f"unknown outputs of signature {signature.name!r}", not unknown, outputs=sorted(unknown))
        inputs = proto_tensors.arrays(signature, request.inputs)
        answer = self._predictor.submit(signature, inputs)
        context.add_callback(answer.cancel)  # a client that left is not computed for
        response = PredictResponse(model_spec=_spec(self._predictor, signature.name))
        for name, array in answer.result().items():
            if not request.output_filter or name in request.output_filter:
                response.outputs[name].CopyFrom(tf.make_tensor_proto(array))
        return response

    @_answering
    def GetModelMetadata(
        self, request: GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> GetModelMetadataResponse:
        """The signatures."""
        _check_model(self._predictor, request.model_spec)
        fields = list(request.metadata_field)
        check("metadata_field must be signature_def", fields == ["signature_def"], metadata_field=fields)
        model = self._predictor.model
        reply = GetModelMetadataResponse()
        reply.model_spec.name = model.name
        reply.model_spec.version.value = model.version
        reply.metadata["signature_def"].Pack(SignatureDefMap(signature_def=model.definitions))
        return reply


class _Model(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    @_answering
    def GetModelStatus(
        self, request: GetModelStatusRequest, context: grpc.ServicerContext
    ) -> GetModelStatusResponse:
        """That the model is available; a server that loads answers nobody."""
        _check_model(self._predictor, request.model_spec)
        version = ModelVersionStatus(
            version=self._predictor.model.version, state=ModelVersionStatus.AVAILABLE
        )
        version.status.SetInParent()
        return GetModelStatusResponse(model_version_status=[version])


def _check_model(predictor: Predictor, spec: ModelSpec) -> None:
    check("versions have numbers here, no labels", not spec.version_label, version_label=spec.version_label)
    predictor.check_model(spec.name, spec.version.value if spec.HasField("version") else None)


def _spec(predictor: Predictor, signature: str) -> ModelSpec:
    spec = ModelSpec(name=predictor.model.name, signature_name=signature)
    spec.version.value = predictor.model.version
    return spec


def new_server(threads: int, message_bytes: int, seconds: float) -> grpc.Server:
    """A server with bounded threads and messages, on a port of its own.

    A call that sends no message holds a place. gRPC has no limit on the time of a message, so
    connections end after `seconds`, and calls on them after `_PATIENCE` times as long: clients connect
    anew by themselves, and what is under way has that time to be answered.
    """
    milliseconds = round(1000 * seconds)
    options = [
        ("grpc.max_connection_age_ms", milliseconds),
        ("grpc.max_connection_age_grace_ms", _PATIENCE * milliseconds),
        ("grpc.max_receive_message_length", message_bytes),
        ("grpc.max_send_message_length", message_bytes),
        ("grpc.so_reuseport", 0),  # or a second server would silently share the port
    ]
    return grpc.server(ThreadPoolExecutor(threads), options=options, maximum_concurrent_rpcs=threads)
