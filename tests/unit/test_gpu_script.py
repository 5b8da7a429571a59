"""tests/gpu/run says what it lacks before it does anything, and what to do about it."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "gpu" / "run"


def run(folder, *steps, **given):
    unset = {"SOURCE", "WHEELS", "OUT", "WORK", "CUDA", "MODEL", "TEMPLATE", "PYTHON", "PROFILE"}
    environment = {k: v for k, v in os.environ.items() if k not in unset} | {"CUDA": "off", **given}
    command = ["bash", str(SCRIPT), *steps]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=250)


@pytest.mark.parametrize(
    ("steps", "given", "said"),
    [
        (["compile"], {}, "there is no step compile.\nSteps are build, install, lessons, bench"),
        ([], {}, "WHEELS is not set"),
        (["install"], {"WHEELS": "."}, "there is no wheel in"),
        (["install"], {"PYTHON": "no-python"}, "no-python is no Python 3.11, 3.12 or 3.13 with venv."),
        (["build"], {}, "SOURCE is not set"),
        (["build"], {"SOURCE": "nothing.tar.gz"}, "nothing.tar.gz. It should be llama.cpp's source"),
        (["lessons"], {}, "there is no llama-server in"),
        (["bench"], {"CUDA": "maybe"}, "CUDA is maybe; it is on or off."),
        (["lessons"], {"CUDA": "on", "PATH": "/usr/bin:/bin"}, "nvidia-smi finds no GPU.\nWithout one:  CUDA=off"),
    ],
)  # fmt: skip
def test_it_names_what_is_missing(tmp_path, steps, given, said):
    if given.get("CUDA") == "on" and Path("/usr/bin/nvidia-smi").exists():
        pytest.skip("not applicable: there is a GPU")
    done = run(tmp_path, *steps, WORK=str(tmp_path / "work"), OUT=str(tmp_path / "out"), **given)
    assert done.returncode == 1
    assert done.stderr.startswith("gpu: ")
    assert said in done.stderr


@pytest.mark.parametrize("name", ["llama.cpp.tar.gz", "llama.cpp.zip"])
def test_an_archive_of_something_else_is_named(tmp_path, name):
    """Whatever is in it: no archive at all, or no llama.cpp."""
    broken = tmp_path / name
    broken.write_bytes(b"not an archive")
    (tools := tmp_path / "tools").mkdir()
    for tool in ("cmake", "c++"):  # must be there, and is not called
        (tools / tool).write_text("#!/bin/sh\nexit 1\n")
        (tools / tool).chmod(0o755)
    given = {"WORK": str(tmp_path / "work"), "OUT": str(tmp_path / "out")}
    given["PATH"] = os.pathsep.join([*os.get_exec_path(), str(tools)])
    done = run(tmp_path, "build", SOURCE=name, **given)
    assert done.returncode == 1
    assert f"{broken} cannot be unpacked" in done.stderr
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "CMakeLists.txt").write_text('project("other")\n')
    done = run(tmp_path, "build", SOURCE=str(folder), **given)
    assert "is not llama.cpp's source" in done.stderr
    assert done.returncode == 1


def test_help_names_every_variable_that_it_reads():
    done = run(SCRIPT.parent, "--help")
    assert done.returncode == 0
    for name in ("SOURCE", "WHEELS", "OUT", "WORK", "CUDA", "ARCH", "JOBS", "PYTHON", "SYSTEM", "MODEL", "TEMPLATE",
                 "ALIAS", "PROFILE", "EXTRA", "TESTS", "BENCH", "RUNS", "MOST"):  # fmt: skip
        assert name in done.stdout, name
