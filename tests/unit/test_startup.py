"""Failures of real starts (from logs of b11434 and b11549) are told apart, each with a next command."""

import signal

import pytest

from course.errors import CourseError
from course.server import startup

LOGS = {
    "E ggml_aligned_malloc: insufficient memory (attempted to allocate 4394531.25 MB)": "not enough memory",
    "E ggml_backend_cuda_buffer_type_alloc_buffer: cudaMalloc failed: out of memory": "not enough memory",
    "E tensor 'x' data is not within the file bounds, model is corrupted or incomplete": "damaged",
    "E llama_model_load: error loading model: unknown model architecture: 'new'": "damaged",
    "error: invalid argument: --bogus": "does not know the flag --bogus",
    "course.model.wheel: unknown flag --bogus.": "does not know the flag --bogus",
    "E impl: exactly one out metadata, path_model, and file": "could not be downloaded",
    "E srv start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 9002": "took its port",
    'error while handling argument "--reasoning-format": Unknown format: x': "rejected its command line",
    "something new": "ended with status 1",
}


@pytest.mark.attack(
    "server",
    "a damaged GGUF, a port lost at the start, too little memory",
    "told apart, each with a next command",
)
@pytest.mark.parametrize(("log", "expected"), LOGS.items())
def test_the_log_tells_what_happened(log, expected):
    said = startup.explain(f"0.00 I srv init\n{log}\n0.01 I cleaning up", 1, model="m.gguf", build="b1")
    assert expected in said
    assert "\n" in said, f"no next command in {said!r}"


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no such signals")
@pytest.mark.parametrize(
    ("name", "expected"), [("SIGKILL", "not enough memory"), ("SIGILL", "another processor")]
)
def test_the_signal_tells_what_happened(name, expected):
    assert expected in startup.explain("", -getattr(signal, name))


def test_a_refusal_of_the_wheel_is_passed_on():
    said = startup.explain("course.model.wheel: -hf: this wheel does not download models.\n", 2)
    assert said.startswith("-hf: this wheel does not download models.\n")


def test_a_file_that_is_not_a_gguf_is_found_before_the_start(tmp_path):
    page = tmp_path / "model.gguf"
    page.write_text("<html>404</html>")
    with pytest.raises(CourseError, match="not a GGUF file: it begins with b'<htm'"):
        startup.check_gguf(str(page))


def test_an_error_shows_no_traceback_in_a_notebook():
    assert CourseError("seen.\nnext")._render_traceback_() == ["course: seen.", "next"]
