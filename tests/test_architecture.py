"""The house: who may import whom, who may speak TensorFlow, what may be committed."""

from __future__ import annotations

import ast
import contextlib
import functools
import re
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "tf_medsynth"

# Room -> layer. In layer 0 everyone reads the vocabulary, and errors are raised through `config.base`.
FACADE = "facade"  # `tf_medsynth/__init__.py`: the verbs, which only the command line may use
LAYERS = {
    **dict.fromkeys(("version", "types", "config", "runtime"), 0),
    **dict.fromkeys(("imaging", "layers"), 1),
    **dict.fromkeys(("cohorts", "phantoms"), 2),
    **dict.fromkeys(("networks", "losses", "metrics", "data"), 3),
    "stages": 4,
    **dict.fromkeys(("evaluation", "generation"), 5),
    "reports": 6,
    "saved_model": 7,
    **dict.fromkeys(("runs", "serving", "viewer"), 8),
    **dict.fromkeys(("audits", "studies"), 9),
    "pipelines": 10,
    FACADE: 11,
    "cli": 12,
}
GROUND = {"version": set(), "types": set(), "config": {"types"}, "runtime": {"types", "config"}}
BUILDERS_MAY_USE = {"types", "config", "runtime", "imaging", "cohorts", "phantoms"}
KERAS_ONLY = {"imaging", "layers", "networks", "losses", "metrics"}
ENGINES = {"tensorflow", "keras", "tensorflow_datasets", "torch", "jax"}
GLOBAL_STATE = {
    "set_random_seed",
    "set_seed",
    "set_dtype_policy",
    "set_global_policy",
    "set_logical_device_configuration",
    "set_memory_growth",
    "set_intra_op_parallelism_threads",
    "set_inter_op_parallelism_threads",
    "run_functions_eagerly",
}
MOST_LINES = 400
MOST_BYTES = 2**20


@functools.cache
def committed() -> list[Path]:
    """Files that git tracks or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in sorted(set(done.stdout.split("\0"))) if name and (ROOT / name).is_file()]


def modules(top: str) -> list[Path]:
    return sorted((ROOT / top).rglob("*.py"))


def room_of(path: Path) -> str:
    """First name below the package, e.g. ``imaging``; ``pipelines`` for that folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = parts[1] if parts[0] == PACKAGE else parts[0]
    return FACADE if name == "__init__" else name


def imported(path: Path) -> Iterator[str]:
    """Dotted names that a file imports, at any depth; type-only imports count as well."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            whole = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{whole}.{alias.name}" for alias in node.names)


def rooms_used(path: Path) -> set[str]:
    """Rooms of the package that a file imports from."""
    used = set()
    for name in imported(path):
        top, _, rest = name.partition(".")
        if top == PACKAGE:
            room = rest.split(".")[0]
            used.add(room if ((ROOT / PACKAGE / room).is_dir() and room) or room in LAYERS else FACADE)
        elif top == "pipelines":
            used.add(top)
    return used


def tops_used(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(path)}


def engines_used(path: Path) -> set[str]:
    return tops_used(path) & ENGINES


def allowed(room: str) -> set[str]:
    """Rooms that `room` may import from: itself, and every lower layer."""
    if room in GROUND:
        return GROUND[room] | {room}
    return {other for other, layer in LAYERS.items() if layer < LAYERS[room]} | {room}


HOUSE = modules(PACKAGE)


def violations(paths: list[Path], forbidden) -> list[str]:
    """A line for each file of which `forbidden` names something."""
    found = {path: forbidden(path) for path in paths}
    return [f"{path.relative_to(ROOT)}: {sorted(names)}" for path, names in found.items() if names]


def test_every_folder_of_code_is_a_package():
    """Otherwise the installed package would lack it."""
    code = modules(PACKAGE) + modules("tfds_builders") + modules("pipelines")
    assert not sorted(
        {str(p.parent.relative_to(ROOT)) for p in code if not (p.parent / "__init__.py").exists()}
    )


def test_every_room_has_a_layer():
    assert {room_of(path) for path in HOUSE} <= set(LAYERS)


def test_imports_go_down_and_siblings_do_not_meet():
    paths = HOUSE + modules("pipelines")
    assert not violations(paths, lambda path: rooms_used(path) - allowed(room_of(path)))


def test_builders_use_the_ground_and_imaging_only():
    assert not violations(modules("tfds_builders"), lambda path: rooms_used(path) - BUILDERS_MAY_USE)


def test_builders_are_reached_only_where_data_are_made_or_read():
    paths = [path for path in HOUSE if room_of(path) not in {"data", "generation", "runs", "audits"}]
    assert not violations(paths, lambda path: tops_used(path) & {"tfds_builders"})


def test_no_package_needs_the_tests_or_benchmarks():
    paths = HOUSE + modules("tfds_builders") + modules("pipelines")
    assert not violations(paths, lambda path: tops_used(path) & {"tests", "benchmarks"})


def test_settings_and_command_line_import_no_engine():
    paths = [path for path in HOUSE if room_of(path) in {"config", "cli", "types"}]
    assert not violations(paths, engines_used)


def test_pictures_and_networks_speak_keras_only():
    paths = [path for path in HOUSE if room_of(path) in KERAS_ONLY]
    assert not violations(paths, lambda path: engines_used(path) - {"keras"})


def test_no_part_knows_an_organ_by_itself():
    """A domain comes from the data; what is of brain tumours alone says so by its name or place."""
    of_brats = {"imaging/lesion_anatomy.py", "runs/folders.py"}
    gone = {"MODALITIES", "NUM_CLASSES", "LESION_CLASSES"}

    def known(path):
        names = {name.rpartition(".")[2] for name in imported(path)}
        fixed = room_of(path) in {"config", "cohorts", "phantoms"}
        fixed |= path.relative_to(ROOT / PACKAGE).as_posix() in of_brats
        organs = {name for name in imported(path) if ".config.domains." in name}
        return (names & gone) | (set() if fixed else organs)

    assert not violations(HOUSE, known)


def test_only_runtime_touches_global_state():
    def touched(path):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        return (attributes | {node.id for node in nodes if isinstance(node, ast.Name)}) & GLOBAL_STATE

    paths = [path for path in HOUSE + modules("tfds_builders") if room_of(path) != "runtime"]
    assert not violations(paths, touched)


def test_what_others_made_is_opened_by_its_door_alone():
    """SavedModels and prepared sets are judged before they are opened; an export looks at its own."""
    doors = {"saved_models.py", "prepared_sets.py", "writing.py"}

    def opened(path):
        nodes = [
            n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Attribute)
        ]
        names = {f"{getattr(node.value, 'attr', '')}.{node.attr}" for node in nodes}
        return {n for n in names if n == "saved_model.load" or "builder_from_" in n}

    paths = [p for p in HOUSE + modules("tfds_builders") + modules("pipelines") if p.name not in doors]
    assert not violations(paths, opened)


def test_files_can_be_read_twice():
    python = [path for path in committed() if path.suffix == ".py"]
    long = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in python}
    assert not [f"{path.name}: {lines}" for path, lines in long.items() if lines > MOST_LINES]


def test_no_large_file_and_no_scan_is_committed():
    scans = re.compile(r"\.(nii|nii\.gz|mha|mhd|dcm)$")
    models = ROOT / "saved_models"
    heavy = [p.name for p in committed() if p.stat().st_size > MOST_BYTES and models not in p.parents]
    found = [p.name for p in committed() if scans.search(p.name) and "dummy_data" not in p.parts]
    assert not heavy
    assert not found


def test_the_models_that_come_along_are_small():
    models = ROOT / "saved_models"
    sizes = [path.stat().st_size for path in committed() if models in path.parents]
    assert sizes and sum(sizes) < 10 * MOST_BYTES


def test_no_path_of_a_machine_is_committed():
    machine = re.compile(r"/(?:tmp|root|home|work)/")
    texts = [path for path in committed() if path.suffix in {".py", ".md", ".toml", ".yaml", ".html", ""}]
    found = [path for path in texts if machine.search(path.read_text(encoding="utf-8", errors="ignore"))]
    assert not [str(path.relative_to(ROOT)) for path in found]


def test_lock_ranges_are_those_of_setup():
    lines = (ROOT / "requirements" / "base.in").read_text(encoding="utf-8").splitlines()
    locked = {Requirement(line) for line in lines if line and not line.startswith("#")}
    declared = [Requirement(text) for text in requires(PACKAGE) or []]
    extras = {"cpu", "dev", ""}
    wanted = [r for r in declared if not r.marker or any(r.marker.evaluate({"extra": e}) for e in extras)]
    assert {(r.name, r.specifier) for r in wanted} == {(r.name, r.specifier) for r in locked}


def needed_by(requirements: list[Requirement], extra: str) -> set[str]:
    """Packages that an installation of `requirements` brings, as far as they are installed here."""
    found: set[str] = set()
    names = [r.name for r in requirements if not r.marker or r.marker.evaluate({"extra": extra})]
    while names:
        name = canonicalize_name(names.pop())
        if name not in found:
            found.add(name)
            with contextlib.suppress(PackageNotFoundError):
                held = map(Requirement, requires(name) or [])
                names += [r.name for r in held if not r.marker or r.marker.evaluate({"extra": ""})]
    return found


@pytest.mark.parametrize("extra", ["", "serve", "ui", "pipeline", "beam", "test"])
def test_no_extra_brings_a_second_tensorflow(extra):
    """Beside ``tensorflow-cpu`` a ``tensorflow`` is the same files again."""
    declared = [Requirement(text) for text in requires(PACKAGE) or []]
    found = needed_by(declared, extra)
    assert "keras" in found and "tensorflow" not in found


def test_configuration_holds_tool_tables_only():
    with (ROOT / "pyproject.toml").open("rb") as file:
        assert tomllib.load(file).keys() == {"tool"}
