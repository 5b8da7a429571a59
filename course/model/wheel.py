"""llama.cpp's own HTTP server from the xllamacpp wheel, with the flags of the llama-server binary.

Translates the flags into xllamacpp's parameters, serves until it is stopped, and logs to stderr like the binary. It does
not download models (-hf). A flag that it cannot honor is refused by name, with exit status 2.

    python -m course.model.wheel -m model.gguf -c 8192 --port 8080

Differences from the binary: without -np there is 1 slot instead of 4; /props calls the build b0-unknown; of the LLAMA_…
variables, only LLAMA_API_KEY and LLAMA_ARG_CORS_ORIGINS count; when stopped, it does not finish the response it is
generating.
"""

import argparse
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

LOG_PATIENCE = 1.0
"""Seconds that a failed start waits, because a thread of llama.cpp's own is still writing its log."""
BINARY = "For what this wheel lacks:  brew, winget or conda install llama.cpp, then check it:  course doctor"


class Refused(Exception):
    """A flag that this command does not know or cannot honor, or a wrong value."""


def _path(name: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if not os.path.isfile(value):
            raise Refused(f"{name}: the file {value} does not exist")
        return value

    return read


def _folder(path: str) -> str:
    if not os.path.isdir(path):
        raise Refused(f"--slot-save-path: the folder {path} does not exist")
    return os.path.join(path, "")  # the server appends the file's name


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise Refused(f"--chat-template-file: {path} cannot be read ({error.strerror})") from error


def _layers(value: str) -> int:
    named = {"auto": -1, "all": -2}
    return named[value] if value in named else int(value)


def _list(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


@dataclass(frozen=True)
class Member:
    """A member of one of xllamacpp's enumerations, by name, so that flags can be parsed without xllamacpp."""

    enumeration: str
    name: str

    def of(self, xllamacpp: Any) -> Any:
        return getattr(getattr(xllamacpp, self.enumeration), f"{self.enumeration.upper()}_{self.name}")


def _one_of(flag: str, enumeration: str, members: dict[str, str]) -> Callable[[str], Member]:
    def read(value: str) -> Member:
        if value not in members:
            raise Refused(f"{flag} must be one of {', '.join(members)}, not {value!r}")
        return Member(enumeration, members[value])

    return read


def _named_alike(*words: str) -> dict[str, str]:
    return {word: word.upper().replace("-", "_") for word in words}


FORMATS = _named_alike("none", "auto", "deepseek", "deepseek-legacy")
FLASH = {"on": "ENABLED", "off": "DISABLED", "auto": "AUTO"}
KV_TYPES = _named_alike("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1")

SWITCHES: dict[tuple[str, ...], tuple[str, bool]] = {  # flags → the attribute of CommonParams, and its value
    ("--jinja",): ("use_jinja", True),
    ("--no-jinja",): ("use_jinja", False),
    ("--skip-chat-parsing",): ("force_pure_content_parser", True),
    ("--no-skip-chat-parsing",): ("force_pure_content_parser", False),
    ("--metrics",): ("endpoint_metrics", True),
    ("--props",): ("endpoint_props", True),
    ("--slots",): ("endpoint_slots", True),
    ("--no-slots",): ("endpoint_slots", False),
    ("--no-mmproj", "--no-mmproj-auto"): ("no_mmproj", True),
    ("-kvu", "--kv-unified"): ("kv_unified", True),
    ("-no-kvu", "--no-kv-unified"): ("kv_unified", False),
    ("--no-ui", "--no-webui"): ("ui", False),
    ("--offline",): ("offline", True),
}
# flags → the attribute of CommonParams, and the function that reads its value
VALUES: dict[tuple[str, ...], tuple[str, Callable[[str], Any]]] = {
    ("-m", "--model"): ("model.path", _path("-m")),
    ("-c", "--ctx-size"): ("n_ctx", int),
    ("-ngl", "--gpu-layers", "--n-gpu-layers"): ("n_gpu_layers", _layers),
    ("-np", "--parallel"): ("n_parallel", int),
    ("-t", "--threads"): ("cpuparams.n_threads", int),
    ("-b", "--batch-size"): ("n_batch", int),
    ("-ub", "--ubatch-size"): ("n_ubatch", int),
    ("--host",): ("hostnames", _list),
    ("--port",): ("port", int),
    ("-a", "--alias"): ("model_alias", lambda value: set(_list(value))),
    ("--api-key",): ("api_keys", _list),
    ("--cors-origins",): ("cors_origins", str),
    ("--chat-template-file",): ("chat_template", _text),
    ("--reasoning-format",): (
        "reasoning_format",
        _one_of("--reasoning-format", "common_reasoning_format", FORMATS),
    ),
    ("--reasoning-budget",): ("sampling.reasoning_budget_tokens", int),
    ("-ctxcp", "--ctx-checkpoints", "--swa-checkpoints"): ("n_ctx_checkpoints", int),
    ("-cms", "--checkpoint-min-step"): ("checkpoint_min_step", int),
    ("-lv", "--verbosity", "--log-verbosity"): ("verbosity", int),
    ("--spec-type",): ("speculative.types", _list),
    ("--slot-save-path",): ("slot_save_path", _folder),
    ("-fa", "--flash-attn"): ("flash_attn_type", _one_of("-fa", "llama_flash_attn_type", FLASH)),
    ("-ctk", "--cache-type-k"): ("cache_type_k", _one_of("-ctk", "ggml_type", KV_TYPES)),
    ("-ctv", "--cache-type-v"): ("cache_type_v", _one_of("-ctv", "ggml_type", KV_TYPES)),
    ("--lora",): ("lora_adapters", lambda value: [_path("--lora")(path) for path in _list(value)]),
}
DOWNLOADS = (
    *("-hf", "-hfr", "--hf-repo", "-hff", "--hf-file", "-mu", "--model-url", "-dr", "--docker-repo"),
)
CANNOT = "this wheel does not download models. Give a file with -m, or use a llama-server binary"
HELP = ("-h", "--help")


class _Refusing(argparse.Action):
    """A flag that the binary knows and this command cannot honor."""

    def __call__(self, *given: object, **_: object) -> NoReturn:
        raise Refused(f"{given[-1]}: {CANNOT}")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """What argparse found, in our words: -c needs a whole number, not 'many'."""
        flags, _, said = message.removeprefix("argument ").partition(": ")
        flag = flags.partition("/")[0]
        if said.startswith("expected"):
            raise Refused(f"{flag} needs a value")
        if wrong := re.match(r"invalid \w+ value: (.*)", said):
            raise Refused(f"{flag} needs a whole number, not {wrong[1]}")
        raise Refused(message)


def parser() -> argparse.ArgumentParser:
    """The parser for this command's flags. A flag that is not given leaves no attribute in the result."""
    made = _Parser(
        prog="python -m course.model.wheel",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    for switches, (name, value) in SWITCHES.items():
        made.add_argument(*switches, dest=name, action="store_const", const=value)
    for flags, (name, read) in VALUES.items():
        made.add_argument(
            *flags, dest=name, type=read, metavar=flags[-1].lstrip("-").upper().replace("-", "_")
        )
    made.add_argument(*DOWNLOADS, dest="download", action=_Refusing, nargs="?", help=argparse.SUPPRESS)
    return made


def parse(argv: Sequence[str]) -> dict[str, Any]:
    """Flags → {attribute: value}. Reads the files that the flags name; Refused for anything that can't be honored."""
    # argparse would read an unknown -cb as -c b, and --port=1, which the binary does not take, as a value.
    known = {flag for flags in (*SWITCHES, *VALUES, DOWNLOADS, HELP) for flag in flags}
    if unknown := next((word for word in argv if re.match("--?[A-Za-z]", word) and word not in known), None):
        raise Refused(f"unknown flag {unknown}")
    settings = {"port": 8080, **vars(parser().parse_args(argv))}
    if "model.path" not in settings:
        raise Refused("-m FILE is missing, so there is no model to load")
    return settings


def parameters(settings: dict[str, Any], xllamacpp: Any) -> Any:
    """xllamacpp's CommonParams with these settings."""
    params = xllamacpp.CommonParams()
    for name, value in settings.items():
        owner, _, attribute = name.rpartition(".")
        target = getattr(params, owner) if owner else params
        if not hasattr(target, attribute):
            raise Refused(f"this version of xllamacpp has no setting {name}")
        if isinstance(value, Member):
            value = value.of(xllamacpp)
        elif attribute == "types":
            value = [_spec_type(xllamacpp, name) for name in value]
        elif attribute == "lora_adapters":
            value = [xllamacpp.CommonAdapterLoraInfo(path, 1.0) for path in value]
        setattr(target, attribute, value)
    return params


def _spec_type(xllamacpp: Any, name: str) -> Any:
    kinds, prefix = xllamacpp.common_speculative_type, "COMMON_SPECULATIVE_TYPE_"
    known = {
        kind.removeprefix(prefix).lower().replace("_", "-"): kind for kind in dir(kinds) if kind.isupper()
    }
    del known["count"]  # the number of kinds, not a kind
    if name not in known:
        raise Refused(f"--spec-type must be one of {', '.join(sorted(known))}, not {name!r}")
    return getattr(kinds, known[name])


def main(argv: Sequence[str]) -> int:
    if not argv or set(argv) & set(HELP):
        parser().print_help()
        return 0
    import xllamacpp

    try:
        settings = parse(argv)
        if os.environ.get("LLAMA_API_KEY"):
            settings.setdefault("api_keys", _list(os.environ["LLAMA_API_KEY"]))
        if os.environ.get("LLAMA_ARG_CORS_ORIGINS") and hasattr(xllamacpp.CommonParams(), "cors_origins"):
            settings.setdefault("cors_origins", os.environ["LLAMA_ARG_CORS_ORIGINS"])
        params = parameters(settings, xllamacpp)
    except Refused as error:
        print(f"course.model.wheel: {error}.\n{BINARY}", file=sys.stderr)
        return 2
    print(f"course.model.wheel: xllamacpp {xllamacpp.__version__}", file=sys.stderr, flush=True)
    over = threading.Event()
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: over.set())
    try:
        server = xllamacpp.Server(params)  # it serves as long as this object exists
    except RuntimeError as error:
        time.sleep(LOG_PATIENCE)
        print(f"course.model.wheel: {error}", file=sys.stderr)
        return 1
    while not over.wait(1):  # on Windows, a wait without a timeout would never see a signal
        pass
    print(f"course.model.wheel: {server.listening_address} is stopping", file=sys.stderr)
    return 0


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
