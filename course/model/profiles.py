"""Named server profiles: the weights, flags and sampling of each.

Reads profiles.toml and turns a profile, with changes, into llama-server's flags. Never downloads or starts anything.

    flag_groups(load("embedded"), {"jinja": False}, "model.gguf")  # [["-m", "model.gguf"], …, ["--no-jinja"]]
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any

from course.errors import CourseError


@dataclass(frozen=True)
class Profile:
    """One way to run the course. `sampling` is sent with each request; everything else configures the server.

    `source` is "embedded", "base", a Hugging Face repository, or the path of a GGUF. `template` is "embedded", a path, or
    None for the model's own. `needs` and `verified` are shown by `course doctor`. `deterministic`: the same question
    always gives the same text.
    """

    name: str
    title: str
    model_id: str
    source: str
    hf_file: str | None = None
    template: str | None = None
    context: int | None = None
    gpu_layers: int | None = None
    parallel: int | None = None
    sampling: dict[str, Any] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    needs: str = ""
    verified: str = ""
    deterministic: bool = False
    opens_thinking: bool = False  # the chat template ends each prompt with an open <think>


SWITCHES = {  # True → the first flag, False → the second (None: there is no such flag)
    "jinja": ("--jinja", "--no-jinja"),
    "skip_chat_parsing": ("--skip-chat-parsing", "--no-skip-chat-parsing"),
    "metrics": ("--metrics", None),
    "props": ("--props", None),
    "slots": ("--slots", "--no-slots"),
    "kv_unified": ("--kv-unified", "--no-kv-unified"),
}
VALUES = {
    "reasoning_format": "--reasoning-format",
    "reasoning_budget": "--reasoning-budget",
    "ctx_checkpoints": "--ctx-checkpoints",
    "lora": "--lora",
    "threads": "-t",
    "spec_type": "--spec-type",
    "slot_save_path": "--slot-save-path",
}
PROFILE_CHANGES = ("model", "chat_template_file", "context", "gpu_layers", "parallel", "extra")
CHANGES = (*PROFILE_CHANGES, *SWITCHES, *VALUES)


def _tables() -> dict[str, dict[str, Any]]:
    return tomllib.loads((files("course.model") / "profiles.toml").read_text(encoding="utf-8"))


def names() -> list[str]:
    return list(_tables())


def load(name: str | None = None) -> Profile:
    """The profile called `name`, by default $PROFILE, or else "embedded"."""
    name = name or os.environ.get("PROFILE") or "embedded"
    tables = _tables()
    if name not in tables:
        raise CourseError(
            f"there is no profile {name!r}. The profiles are {', '.join(tables)}.\n"
            f"Try:  PROFILE={next(iter(tables))} course serve"
        )
    table = dict(tables[name])
    return Profile(name=name, **{**table, "flags": tuple(table.get("flags", ()))})


@cache
def opens_thinking(model: str) -> bool:
    """Whether the chat template of the model of this name ends each prompt with an open <think>.

    It does if the name contains the model id of a profile that says so.
    """
    profiles = [load(name) for name in names()]
    return any(profile.opens_thinking and profile.model_id in model.lower() for profile in profiles)


def check_changes(changes: Mapping[str, Any]) -> None:
    """Raise a CourseError for an unknown setting. It suggests the closest known one."""
    for name in changes:
        if name not in CHANGES:
            near = difflib.get_close_matches(name, CHANGES, n=1)
            hint = f"Did you mean {near[0]}=…? " if near else ""
            raise CourseError(
                f"{name!r} is not a server setting. {hint}The settings are {', '.join(CHANGES)}.\n"
                "Pass any other flag unchanged:  Server(extra=['--flag', 'value'])"
            )


def flag_groups(
    profile: Profile, changes: Mapping[str, Any], model: str | None, template: str | None = None
) -> list[list[str]]:
    """llama-server's flags, in groups to print one per line. `model` is a path; if None, the server downloads it (-hf)."""
    check_changes(changes)
    groups = [["-m", model] if model else ["-hf", profile.source, "--hf-file", profile.hf_file or ""]]
    groups.append(["--alias", profile.model_id])
    if template:
        groups.append(["--chat-template-file", str(template)])
    sizes = []
    for flag, name in (("-c", "context"), ("-ngl", "gpu_layers"), ("-np", "parallel")):
        value = changes.get(name, getattr(profile, name))
        sizes += [] if value is None else [flag, str(value)]
    if profile.source in ("embedded", "base") and changes.get("threads") is None:
        sizes += ["-t", str(threads())]
    groups.append(sizes)
    wanted: dict[str, list[str]] = {}
    for name, value in changes.items():
        if name in SWITCHES and value is not None:
            switch = SWITCHES[name][0 if value else 1]
            wanted[name] = [switch] if switch else []
        elif name in VALUES and value is not None:
            wanted[name] = [VALUES[name], str(value)]
    groups.append(_without(profile.flags, wanted))
    groups.append([part for group in wanted.values() for part in group])
    groups.append([str(flag) for flag in changes.get("extra") or ()])
    return [group for group in groups if group]


def threads() -> int:
    """Threads of a server with the embedded model: $COURSE_THREADS, else half of the cores, but both of two."""
    given = os.environ.get("COURSE_THREADS")
    if not given:
        return max(min(2, cores()), cores() // 2)
    if not given.isdecimal() or int(given) < 1:
        raise CourseError(
            f"COURSE_THREADS is {given!r}; it should be a number of threads, such as 1.\n"
            "Leave it out for half of the cores:  unset COURSE_THREADS"
        )
    return int(given)


def cores() -> int:
    """The cores that this process may use, which a container's cpuset or `taskset` can limit.

    It matters: on one core, two threads spin-waiting on each other generated at 0.7–0.8× the speed of one thread.
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _without(flags: tuple[str, ...], wanted: Mapping[str, list[str]]) -> list[str]:
    """The profile's own flags without those that a change replaces."""
    replaced = {flag for name in wanted for flag in (*SWITCHES.get(name, ()), VALUES.get(name))}
    groups: list[list[str]] = []
    for flag in flags:
        if flag.startswith("-") and not flag.lstrip("-").isdigit():
            groups.append([flag])
        else:
            groups[-1].append(flag)
    return [part for group in groups if group[0] not in replaced for part in group]


def served(profile: Profile, named: bool, model: str) -> Profile:
    """The profile of an attached server: by the name of its model, else the one asked for, else a plain one.

    Only the embedded model is deterministic.
    """
    for name in names():
        if load(name).model_id == model and not named:
            return load(name)
    if profile.model_id == model:
        return profile
    if named:
        return replace(profile, model_id=model, deterministic=False)
    return Profile("attached", f"{model} (attached)", model, source=model, sampling={"max_tokens": 8192})
