"""Models and prepared sets of somebody's: damaged, of wrong types, or with more in them than numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.hard_input.case import Case
from tests.hard_input.forks import MODEL

VERSION = MODEL / "2"
_SAMPLE = ("sample", "--model", "{here}/m", "--number", "0", "--out", "{here}/p.png")
_SERVE = ("serve", "{here}/m", "--local", "--port", "0", "--grpc-port", "0")
_PREPARED = ("audit", "registration", "brats/s", "--data-dir", "{here}/d", "--out", "{here}/o")
_GENERATED = ("audit", "registration", "{here}/set", "--out", "{here}/o")


def _model(here: Path, without: str = "") -> Path:
    """A version whose files are those of the model in the box, but for one."""
    folder = here / "m" / "1"
    folder.mkdir(parents=True)
    for file in VERSION.iterdir():
        if file.name != without:
            (folder / file.name).symlink_to(file)
    return folder


def _graph(change: Callable[[Any], object]) -> Callable[[Path, Path], None]:
    def make(here: Path, _: Path) -> None:
        from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

        saved = SavedModel.FromString((VERSION / "saved_model.pb").read_bytes())
        change(saved)
        (_model(here, "saved_model.pb") / "saved_model.pb").write_bytes(saved.SerializeToString())

    return make


def _node(op: str, main: bool = False) -> Callable[[Path, Path], None]:
    def add(saved: Any) -> None:
        graph = saved.meta_graphs[0].graph_def
        (graph.node if main else graph.library.function[0].node_def).add(name="extra", op=op)

    return _graph(add)


def _file(name: str, content: Callable[[bytes], bytes] | None) -> Callable[[Path, Path], None]:
    def make(here: Path, _: Path) -> None:
        folder = _model(here, name.partition("/")[0])
        if "/" in name:
            (folder / "variables").mkdir()
            for file in (VERSION / "variables").iterdir():
                if file.name != Path(name).name:
                    (folder / "variables" / file.name).symlink_to(file)
        if content is not None:
            (folder / name).write_bytes(content((VERSION / name).read_bytes()))

    return make


def _record(**changes: Any) -> Callable[[Path, Path], None]:
    def changed(text: bytes) -> bytes:
        return json.dumps({**json.loads(text), **changes}).encode()

    return _file("medsynth.json", changed)


def _huge(saved: Any) -> None:
    tensor = saved.meta_graphs[0].graph_def.node.add(name="huge", op="Const").attr["value"].tensor
    tensor.dtype = 1
    tensor.float_val.append(1.0)
    for _ in range(2):
        tensor.tensor_shape.dim.add(size=2**20)


def _inherits_the_saver(saved: Any) -> None:
    library = saved.meta_graphs[0].graph_def.library.function
    saver = next(f for f in library if "SaveV2" in {node.op for node in f.node_def})
    saved.meta_graphs[0].object_graph_def.concrete_functions[saver.signature.name].SetInParent()


INFO = {
    "name": "brats",
    "version": "1.0.0",
    "configName": "s",
    "fileFormat": "tfrecord",
    "splits": [{"name": "train", "numBytes": "1", "shardLengths": ["1"]}],
}
OWN = "tensorflow_datasets.core.features."
TENSOR = {
    "pythonClassName": f"{OWN}tensor_feature.Tensor",
    "tensor": {"shape": {"dimensions": ["8", "8", "4"]}, "dtype": "int16", "encoding": "bytes"},
}
FEATURES = {
    "pythonClassName": f"{OWN}features_dict.FeaturesDict",
    "featuresDict": {"features": {"images": TENSOR}},
}


def _set(
    info: Any = INFO, features: Any = FEATURES, where: str = "d/brats/s/1.0.0"
) -> Callable[[Path, Path], None]:
    def make(here: Path, _: Path) -> None:
        folder = here / where
        folder.mkdir(parents=True)
        for name, value in (("dataset_info.json", info), ("features.json", features)):
            text = value if isinstance(value, str) else json.dumps(value)
            (folder / name).write_text(text)

    return make


def _inner(**changes: Any) -> dict[str, Any]:
    return {**FEATURES, "featuresDict": {"features": {"images": {**TENSOR, **changes}}}}


_GRAPHS = {
    "writes a file": _node("WriteFile"),
    "reads a file": _node("ReadFile"),
    "lists files": _node("MatchingFiles"),
    "calls Python": _node("EagerPyFunc"),
    "prints": _node("PrintV2"),
    "ends the process": _node("Abort"),
    "asks another process": _node("RemoteCall"),
    "a table of a text file": _node("InitializeTableFromTextFileV2"),
    "an operation of tomorrow": _node("TeaAndBiscuits"),
    "saves outside of its saver": _node("SaveV2"),
    "restores in the main graph": _node("RestoreV2", main=True),
    "writes in the main graph": _node("WriteFile", main=True),
    "an object that saves": _graph(_inherits_the_saver),
}
_TORN = {
    "no bytes": _file("saved_model.pb", lambda _: b""),
    "half the graph": _file("saved_model.pb", lambda data: data[: len(data) // 2]),
    "garbage": _file("saved_model.pb", lambda _: b"\xff" * 1000),
    "no objects": _graph(lambda saved: saved.meta_graphs[0].ClearField("object_graph_def")),
    "two graphs": _graph(lambda saved: saved.meta_graphs.add()),
}
_WEIGHTS = {
    "no index": _file("variables/variables.index", None),
    "half the index": _file("variables/variables.index", lambda data: data[: len(data) // 2]),
}
_RECORDS: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "no record": (_file("medsynth.json", None), "a model needs its medsynth.json"),
    "an empty record": (_file("medsynth.json", lambda _: b""), "a whole JSON object"),
    "a record that is a list": (_file("medsynth.json", lambda _: b"[]"), "a whole JSON object"),
    "deep nesting": (_file("medsynth.json", lambda _: b"[" * 10**6), "a whole JSON object"),
    "not UTF-8": (_file("medsynth.json", lambda _: b'{"a": "\xff"}'), "a whole JSON object"),
    "another format": (_record(format=2), "models of format 1"),
    "an unknown entry": (_record(colour=1), "unknown setting of ModelRecord"),
    "a missing entry": (
        _file("medsynth.json", lambda _: b'{"format": 1}'),
        "a record states the domain of its data",
    ),
    "a size of text": (_record(image_size="large"), "image_size"),
    "a size of one": (_record(image_size=[96]), "image_size"),
    "labels as a list": (_record(labels=[1]), "labels"),
    "labels without a count": (_record(labels={}), "labels"),
    "data as text": (_record(data="brats"), "data"),
    "data without patients": (_record(data={"name": "x"}), "data"),
    "settings as a number": (_record(settings=3), "settings"),
    "rows of text": (_record(rows="many"), "rows"),
    "a domain that is a number": (_record(domain=3), "domain"),
}
_INFOS: dict[str, tuple[Any, str]] = {
    "a template that leads out": (
        {**INFO, "splits": [{**INFO["splits"][0], "filepathTemplate": "../../{SPLIT}"}]},  # type: ignore[index]
        "filepathTemplate in the description .* no path",
    ),
    "a name that leads out": ({**INFO, "name": "../brats"}, "name in the description"),
    "a configuration that leads out": ({**INFO, "configName": "a/b"}, "configName in the description"),
    "splits of text": ({**INFO, "splits": "train"}, "splits of a data set must be"),
    "features of its own": (
        {**INFO, "features": {"pythonClassName": "this.Zen"}},
        "must be those of TFDS",
    ),
    "a version of text": ({**INFO, "version": "new"}, "prepared dataset must be whole"),
    "an unknown file format": ({**INFO, "fileFormat": "tea"}, "prepared dataset must be whole"),
    "no JSON": ("{", "must be a whole JSON object"),
    "a list": ("[]", "must be a whole JSON object"),
    "nothing": ("", "must be a whole JSON object"),
}
_FEATURES: dict[str, tuple[Any, str]] = {
    "a class of a module": ({**FEATURES, "pythonClassName": "this.Zen"}, "must be those of TFDS"),
    "an inner class of a module": (_inner(pythonClassName="antigravity.Fly"), "must be those of TFDS"),
    "a class in TFDS's older form": (_inner(type="this.Zen", content={}), "must be those of TFDS"),
    "a class in JSON within": (
        _inner(jsonFeature={"json": '{"feature": {"pythonClassName": "this.Zen"}}'}),
        "must be those of TFDS",
    ),
    "a module's private class": (_inner(pythonClassName="os.path"), "must be those of TFDS"),
    "a class that is a number": (_inner(pythonClassName=3), "must be those of TFDS"),
    "no JSON": ("{", "must be a whole JSON object"),
    "a million brackets": ("[" * 10**6, "must be a whole JSON object"),
    "a name that leads out": (
        {**FEATURES, "featuresDict": {"features": {"../images": TENSOR}}},
        "names of features must be no paths",
    ),
}
_ADDRESSES = {
    "sample --model": ("sample", "--model", "gs://bucket/m", "--number", "0", "--out", "{here}/p.png"),
    "serve": ("serve", "s3://bucket/m"),
    "serve --local": ("serve", "https://example.org/m", "--local"),
    "generate --from": ("generate", "--from", "gs://bucket/m", "--count", "1", "--out", "{here}/o"),
    "audit --data-dir": (*_PREPARED[:4], "gs://bucket/data"),
}

CASES = [
    *(Case(f"graph: {n}", _SAMPLE, "may compute, and do nothing else", m) for n, m in _GRAPHS.items()),
    Case("graph, serve: writes a file", _SERVE, "may compute, and do nothing else", _node("WriteFile")),
    Case("graph: a constant that lies", _SAMPLE, "elements of one value", _graph(_huge)),
    *(Case(f"graph: {n}", _SAMPLE, "a SavedModel must be (whole|one graph)", m) for n, m in _TORN.items()),
    *(Case(f"weights: {n}", _SERVE, "a SavedModel must be whole", m) for n, m in _WEIGHTS.items()),
    *(Case(f"record: {name}", _SAMPLE, rule, make) for name, (make, rule) in _RECORDS.items()),
    *(Case(f"dataset_info: {n}", _PREPARED, rule, _set(info=held)) for n, (held, rule) in _INFOS.items()),
    *(Case(f"features: {n}", _PREPARED, rule, _set(features=held)) for n, (held, rule) in _FEATURES.items()),
    *(Case(f"address: {n}", words, "a place on this machine, not a URL") for n, words in _ADDRESSES.items()),
    Case(
        "features of a synthetic set: a class of a module",
        _GENERATED,
        "must be those of TFDS",
        _set(INFO, {**FEATURES, "pythonClassName": "this.Zen"}, "set/medsynth_synthetic/1.0.0"),
    ),
]
