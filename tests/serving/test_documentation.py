"""The examples of docs/serving.md, run as they stand but for the names and ports."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "serving.md"


def examples(language):
    """Blocks of the page in `language`."""
    return re.findall(
        rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def run(server, command, example):
    """Standard output of an example that was told where the server is."""
    for written, real in (
        ("http://127.0.0.1:8501", server.rest),
        ("127.0.0.1:8500", server.grpc),
        ("/phantom96", f"/{server.name}"),
        ('"phantom96"', f'"{server.name}"'),
    ):
        example = example.replace(written, real)
    done = subprocess.run([*command, example], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(params=["local_server", pytest.param("exported_server", marks=pytest.mark.slow)])
def server(request):
    """One of the toy, and one of a really exported model."""
    return request.getfixturevalue(request.param)


def test_python_examples_run(server):
    rest, grpc = examples("python")
    shape = "(2, 8, 8, 4)" if server.name == "toy" else "(2, 32, 32, 4)"
    assert f"images float32 {shape}" in run(server, [sys.executable, "-c"], rest)
    assert run(server, [sys.executable, "-c"], grpc) == f"{shape}\n"


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on the PATH")
def test_curl_examples_run(server):
    (example,) = examples("sh")
    out = run(server, ["sh", "-ec"], example)
    assert '"state":"AVAILABLE"' in out
    assert '"signature_def"' in out
    assert '"predictions":[{' in out
