"""Which machine and build a figure belongs to: enough to judge the figure, but nothing that identifies the owner."""

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psutil

from course import ROOT
from course.model import engine

Machine = dict[str, Any]


def describe() -> Machine:
    return {
        "cpu": cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 1024**3),
        "gpu": gpu(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def name(machine: Machine, kind: str) -> str:
    """What its file in bench/results is called, by the kind of engine: cpu-2-cores-amd-epyc, gpu-nvidia-h200-binary."""
    if machine["gpu"]:
        found = f"gpu-{slug(machine['gpu']['name'])}"
    else:
        found = f"cpu-{machine['cores']}-cores-{slug(re.sub(r'[(](R|TM)[)]', '', machine['cpu']))}"
    return found if kind == "wheel" else f"{found}-{kind}"


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def title(machine: Machine) -> str:
    """The machine in one line of prose."""
    gpu = f"{machine['gpu']['name']}, " if machine["gpu"] else ""
    cores = f"{machine['cores']} cores of {machine['cpu']}"
    return f"{gpu}{cores}, {machine['memory_gib']} GiB, {machine['system']}, Python {machine['python']}"


def cpu() -> str:
    """The processor's name, as the system reports it."""
    info = Path("/proc/cpuinfo")
    text = info.read_text(encoding="utf-8") if info.is_file() else ""
    found = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine()


def gpu() -> dict[str, str] | None:
    """The first NVIDIA GPU that the engine could use; None without one, or with CUDA=off."""
    program = shutil.which("nvidia-smi")
    if program is None or os.environ.get("CUDA") == "off":
        return None
    query = ["--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    done = subprocess.run([program, *query], capture_output=True, text=True, timeout=60, check=False)
    return parse_gpu(done.stdout) if done.returncode == 0 else None


def parse_gpu(text: str) -> dict[str, str] | None:
    """From nvidia-smi's line "NVIDIA H200, 143771 MiB, 580.159.03"."""
    parts = [part.strip() for part in text.partition("\n")[0].split(",")]
    return dict(zip(("name", "memory", "driver"), parts, strict=True)) if len(parts) == 3 else None


def commit() -> str:
    """The checked-out commit, with a + if files differ from it; "unknown" outside of a clone."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    if not shutil.which("git") or not (head := git("rev-parse", "--short=10", "HEAD")):
        return "unknown"
    return head + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")


def build() -> str:
    found = engine.find()
    return f"{found.build}, {found.kind}"
