"""The one door through which a SavedModel is opened: its graph is read and judged before anything of it runs.

TensorFlow runs a model's initialisers when it opens it, and a graph may read and write files. Here a graph
may compute, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tf_medsynth.config.base import check
from tf_medsynth.runtime.graph_errors import words_of
from tf_medsynth.runtime.graph_operations import ALLOWED, OF_THE_SAVER

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef
    from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

FILE = "saved_model.pb"
_WEIGHTS = "variables/variables"
_AGAIN = "Export it again, with medsynth export or model.export of Keras."
_MOST_REPEATS = 2**24
"""Elements that a constant may have of one stored value: 60 bytes can claim a terabyte."""


def load_saved_model(folder: Path) -> Any:
    """The SavedModel in `folder`, as ``tf.saved_model.load`` has it; none of its code is run before.

    Raises:
        MedSynthError: none, a damaged one, or an operation that does more than compute.
    """
    import tensorflow as tf

    read_saved_model(folder)
    try:
        tf.train.load_checkpoint(str(folder / _WEIGHTS))  # a look at the index, which takes no time
        return tf.saved_model.load(str(folder))
    except Exception as error:  # protobuf, file and graph errors, each of its own family
        _whole(folder, error)


def read_saved_model(folder: Path) -> SavedModel:
    """The description of the SavedModel in `folder`, which holds what is allowed alone; runs nothing.

    Raises:
        MedSynthError: as `load_saved_model`.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    try:
        saved = SavedModel.FromString((folder / FILE).read_bytes())
    except (DecodeError, OSError) as error:
        _whole(folder, error)
    check(
        "a SavedModel must be one graph with its objects, as TensorFlow 2 writes it",
        len(saved.meta_graphs) == 1 and len(saved.meta_graphs[0].object_graph_def.nodes) > 0,
        _AGAIN,
        model=str(folder),
        graphs=len(saved.meta_graphs),
    )
    _check_graph(saved.meta_graphs[0], folder)
    return saved


def _whole(folder: Path, error: Exception) -> None:
    check("a SavedModel must be whole", False, _AGAIN, model=str(folder), error=words_of(error))


def _check_graph(graph: MetaGraphDef, folder: Path) -> None:
    """Raises unless all functions of `graph`, called or not, hold allowed operations and true constants."""
    functions = {f.signature.name: list(f.node_def) for f in graph.graph_def.library.function}
    saver = _of_the_saver(graph, functions)
    for name, nodes in {**functions, "the main graph": list(graph.graph_def.node)}.items():
        allowed = ALLOWED | OF_THE_SAVER if name in saver else ALLOWED
        for node in nodes:
            check(
                "a model's graph may compute, and do nothing else",
                node.op in allowed,
                "Open only models whose makers you trust; docs/export.md says what is allowed.",
                model=str(folder),
                operation=node.op,
                function=name,
            )
            if node.op == "Const":
                _check_constant(node, folder)


def _of_the_saver(graph: MetaGraphDef, functions: dict[str, list[NodeDef]]) -> set[str]:
    """Names of the functions that write and read weights, which nothing else in the graph calls."""
    tensors = (graph.saver_def.save_tensor_name, graph.saver_def.restore_op_name)
    starts = {tensor.partition(":")[0] for tensor in tensors if tensor}
    calls = {name: {c for node in nodes for c in _called(node)} for name, nodes in functions.items()}
    found = _reached(
        {c for node in graph.graph_def.node if node.name in starts for c in _called(node)}, calls
    )
    others = {c for node in graph.graph_def.node if node.name not in starts for c in _called(node)}
    others |= {c for name, called in calls.items() if name not in found for c in called}
    others |= set(graph.object_graph_def.concrete_functions)
    return found - _reached(others, calls)


def _called(node: NodeDef) -> Iterator[str]:
    """Names of the functions that a node refers to."""
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func.name
        yield from (function.name for function in value.list.func)


def _reached(names: set[str], calls: dict[str, set[str]]) -> set[str]:
    """`names`, and all that they call."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += calls.get(name, ())
    return found


def _check_constant(node: NodeDef, folder: Path) -> None:
    """Raises where the shape of a constant claims far more than the file holds."""
    tensor, elements = node.attr["value"].tensor, 1
    for dimension in tensor.tensor_shape.dim:
        elements *= max(dimension.size, 0)
    check(
        f"a constant has at most {_MOST_REPEATS} elements of one value",
        elements <= max(_MOST_REPEATS, tensor.ByteSize()),
        _AGAIN,
        model=str(folder),
        constant=node.name,
        elements=elements,
    )
