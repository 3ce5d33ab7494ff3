"""The messages of the API, built at run time from the descriptor set that ships with the package.

No generated code and no pool shared with others: one source works with protobuf 4.21 to 7, beside
any other package that has google.rpc messages of its own. `descriptors.binpb` holds the protos of
`proto/` with their imports; `scripts/client-descriptors.sh` writes it, and a test compares the two.
"""

from __future__ import annotations

import importlib.resources
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_SET = descriptor_pb2.FileDescriptorSet.FromString(
    (importlib.resources.files("unlasting") / "descriptors.binpb").read_bytes())
POOL = descriptor_pool.DescriptorPool()
for _file in _SET.file:  # imports stand before what imports them
    POOL.AddSerializedFile(_file.SerializeToString())


def message_class(full_name: str) -> Any:
    """The class of a message, e.g. `unlasting.v1.PredictRequest`."""
    descriptor = POOL.FindMessageTypeByName(full_name)
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory(POOL).GetPrototype(descriptor)


def _v1(name: str) -> Any:
    return message_class(f"unlasting.v1.{name}")


PredictRequest = _v1("PredictRequest")
PredictResponse = _v1("PredictResponse")
PredictHeader = _v1("PredictHeader")
Perturbation = _v1("Perturbation")
ControlCells = _v1("ControlCells")
Matrix = _v1("Matrix")
Model = _v1("Model")
GetModelRequest = _v1("GetModelRequest")
GetModelResponse = _v1("GetModelResponse")
ListModelsRequest = _v1("ListModelsRequest")
ListModelsResponse = _v1("ListModelsResponse")
RegisterControlsRequest = _v1("RegisterControlsRequest")
HealthCheckRequest = message_class("grpc.health.v1.HealthCheckRequest")
Status = message_class("google.rpc.Status")
ErrorInfo = message_class("google.rpc.ErrorInfo")
BadRequest = message_class("google.rpc.BadRequest")
RetryInfo = message_class("google.rpc.RetryInfo")


class Method:
    """A method of a service: its path, its messages and which sides stream."""

    def __init__(self, service: str, name: str) -> None:
        # The set says what streams; the descriptors of protobuf 4.21 do not.
        found = [method for file in _SET.file for each in file.service
                 if f"{file.package}.{each.name}" == service
                 for method in each.method if method.name == name]
        proto = found[0]
        self.path = f"/{service}/{name}"
        self.request = message_class(proto.input_type.lstrip("."))
        self.response = message_class(proto.output_type.lstrip("."))
        self.streams_requests = bool(proto.client_streaming)
        self.streams_responses = bool(proto.server_streaming)

    def bind(self, channel: Any) -> Any:
        """The callable of a channel, of grpc or of grpc.aio."""
        kind = (f"{'stream' if self.streams_requests else 'unary'}_"
                f"{'stream' if self.streams_responses else 'unary'}")
        return getattr(channel, kind)(
            self.path, request_serializer=self.request.SerializeToString,
            response_deserializer=self.response.FromString)


def has_field(message: Any, field: str) -> bool:
    """Whether the API that this package ships has a field."""
    return field in message.DESCRIPTOR.fields_by_name


PREDICT = Method("unlasting.v1.PredictionService", "Predict")
REGISTER_CONTROLS = Method("unlasting.v1.PredictionService", "RegisterControls")
LIST_MODELS = Method("unlasting.v1.ModelService", "ListModels")
GET_MODEL = Method("unlasting.v1.ModelService", "GetModel")
CHECK_HEALTH = Method("grpc.health.v1.Health", "Check")


class Words:
    """The names of an enum's values as users write them: `rank` for MASK_MODE_RANK."""

    def __init__(self, enum: str, **words: str) -> None:
        values = POOL.FindEnumTypeByName(f"unlasting.v1.{enum}").values_by_name
        # A set from before a value does not know its word.
        self._number = {word: values[name].number for word, name in words.items()
                        if name in values}
        self._word = {number: word for word, number in self._number.items()}

    def __getitem__(self, word: str) -> int:
        """The number of a word, or KeyError."""
        return self._number[word]

    def __iter__(self) -> Any:
        return iter(self._number)

    def __contains__(self, word: object) -> bool:
        return word in self._number

    def word(self, number: int) -> str:
        """The word of a number; a value of a newer server is its number."""
        return self._word.get(number, "" if number == 0 else str(number))


SOLVERS = Words("Solver", ddim="SOLVER_DDIM", dpmpp2m="SOLVER_DPMPP_2M")
MASKS = Words("MaskMode", rank="MASK_MODE_RANK", cell="MASK_MODE_CELL",
              aggregate="MASK_MODE_AGGREGATE", sample="MASK_MODE_SAMPLE", none="MASK_MODE_NONE")
# Of control cells.
VALUE_KINDS = Words("ValueKind", counts="VALUE_KIND_COUNTS", log1p="VALUE_KIND_LOG1P")
# Of results, by the words of `unlasting predict --value-kind`: counts are whole and drawn.
RESULT_KINDS = Words("ValueKind", **{
    "log1p": "VALUE_KIND_LOG1P", "normalised counts": "VALUE_KIND_COUNTS",
    "counts": "VALUE_KIND_DRAWN_COUNTS"})
MISSING_GENES = Words("MissingGenes", **{
    "error": "MISSING_GENES_ERROR", "zero": "MISSING_GENES_ZERO",
    "panel-mean": "MISSING_GENES_PANEL_MEAN"})
CONTENTS = Words("ResultContent", all="RESULT_CONTENT_ALL", profiles="RESULT_CONTENT_PROFILES",
                 summaries="RESULT_CONTENT_SUMMARIES")
PRIORITIES = Words("Priority", interactive="PRIORITY_INTERACTIVE", bulk="PRIORITY_BULK")
DOSE_RANGES = Words("DoseRange", below="DOSE_RANGE_BELOW", within="DOSE_RANGE_WITHIN",
                    above="DOSE_RANGE_ABOVE")
ELEMENT_TYPES = Words("ElementType", float32="ELEMENT_TYPE_FLOAT32",
                      float16="ELEMENT_TYPE_FLOAT16", bfloat16="ELEMENT_TYPE_BFLOAT16")
DOSE_MICROMOLAR = POOL.FindEnumTypeByName(
    "unlasting.v1.DoseUnit").values_by_name["DOSE_UNIT_MICROMOLAR"].number
