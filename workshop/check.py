"""Check the deployments with the tools that read them: repo2docker, the devcontainer CLI, TLJH, helm.

For CI and authors, because these tools are too large for `make test`. Starts no container. Each check says what it saw; one
whose tool is missing says which command installs it, and with --strict that is a failure.

    build/deployments/bin/python -m workshop.check            # all of them
    build/deployments/bin/python -m workshop.check binder     # or some: binder devcontainer tljh chart

`workshop/check.txt` lists the Python packages. TLJH is not on PyPI; where its installer has run, its own Python checks the
plugin:  sudo /opt/tljh/hub/bin/python -m workshop.check tljh
"""

import argparse
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PLUGIN = "agents-on-the-wire"
CLI = "@devcontainers/cli@0.89.0"
CHART = "4.4.0"


class Missing(Exception):
    """A tool that is not here. The message is the command that installs it."""


class Wrong(Exception):
    """What was seen, and what was expected."""


def ran(*command: "str | Path", **more: Any) -> str:
    """Standard output of a command; Wrong with the end of its output if it fails."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False, **more)
    if done.returncode:
        raise Wrong(
            f"{command[0]} ended with status {done.returncode}:\n{(done.stdout + done.stderr)[-2000:]}"
        )
    return done.stdout if done.stdout.strip() else done.stderr


def binder() -> str:
    """repo2docker detects .binder/ and writes a Dockerfile that runs our scripts."""
    program = Path(sys.executable).with_name("jupyter-repo2docker")
    if not program.exists():
        raise Missing(f"{sys.executable} -m pip install -r workshop/check.txt")
    who = ["--user-id", "1000", "--user-name", "jovyan"]
    done = subprocess.run(
        [program, *who, "--no-build", "--debug", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    text = done.stdout + done.stderr
    python = (ROOT / ".binder" / "runtime.txt").read_text().strip().removeprefix("python-")
    wanted = {
        "postBuild": r"^RUN \./\.binder/postBuild$",
        "start": r'^ENV R2D_ENTRYPOINT="\$\{REPO_DIR\}/\.binder/start"$',
        "requirements": r'pip install --no-cache-dir -r "\.binder/requirements\.txt"',
        "python": rf"environment\.py-{re.escape(python)}|py-2d{python.replace('.', '-2e')}",
    }
    lost = [name for name, pattern in wanted.items() if not re.search(pattern, text, re.MULTILINE)]
    if done.returncode or lost:
        raise Wrong(
            f"repo2docker (status {done.returncode}) wrote a Dockerfile without {lost}:\n{text[-3000:]}"
        )
    return f"a Dockerfile of {text.count(chr(10))} lines, Python {python}, with postBuild and start"


def devcontainer() -> str:
    """The devcontainer CLI reads the file and expands its variables."""
    npx = shutil.which("npx")
    if npx is None:
        raise Missing("sudo apt-get install nodejs npm")
    # It asks Docker for running containers first; `true` says that there are none.
    command = [
        npx,
        "--yes",
        CLI,
        "read-configuration",
        "--docker-path",
        "true",
        "--workspace-folder",
        str(ROOT),
    ]
    read = json.loads(ran(*command).splitlines()[-1])
    found = read["configuration"]
    folder = read["workspace"]["workspaceFolder"]
    expanded = found.get("remoteEnv", {}).get("JUPYTER_CONFIG_PATH")
    if expanded != f"{folder}/.devcontainer" or found.get("forwardPorts") != [8888]:
        raise Wrong(f"the configuration was read as {found}")
    return f"image {found['image']}, folder {folder}"


def tljh() -> str:
    """TLJH finds the plugin, every hook is one of TLJH's, and JupyterHub loads TLJH's configuration with it."""
    try:
        importlib.import_module("tljh.hooks")
        importlib.import_module("tljh_agents_on_the_wire")
    except ImportError:
        raise Missing(
            "workshop/tljh/README.md, then  sudo /opt/tljh/hub/bin/python -m workshop.check tljh"
        ) from None
    import jsonschema
    from tljh.config_schema import config_schema
    from tljh.utils import get_plugin_manager

    manager = get_plugin_manager()
    plugin = manager.get_plugin(PLUGIN)
    if plugin is None:
        raise Wrong(f"TLJH found the plugins {manager.list_name_plugin()}, not {PLUGIN}")
    manager.check_pending()  # raises for a hook that TLJH does not have
    hooks = sorted(caller.name for caller in manager.get_hookcallers(plugin) or ())
    made: dict[str, Any] = {}
    manager.hook.tljh_config_post_install(config=made)
    jsonschema.validate(made, config_schema)
    theirs = {"limits": {"memory": "4G"}}
    manager.hook.tljh_config_post_install(config=theirs)
    if theirs["limits"]["memory"] != "4G":
        raise Wrong(f"the plugin overwrote what an administrator chose: {theirs}")
    with tempfile.TemporaryDirectory() as folder:
        shown = loaded(Path(folder))
    if analyze := shutil.which("systemd-analyze"):
        with tempfile.TemporaryDirectory() as folder:
            unit = Path(folder) / "agents-on-the-wire-model.service"
            text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", plugin.unit(), flags=re.MULTILINE)
            unit.write_text(text, encoding="utf-8")
            if said := ran(analyze, "verify", unit).strip():
                raise Wrong(f"systemd-analyze verify: {said}")
    return f"hooks {', '.join(hooks)}; configuration: {shown}"


SETTINGS = """\
import json, pathlib, tljh, tljh_agents_on_the_wire as plugin
plugin.COURSE = pathlib.Path({course!r})
plugin.SETTINGS = pathlib.Path({settings!r})
load_subconfig(str(pathlib.Path(tljh.__file__).with_name("jupyterhub_config.py")))
"""


def loaded(folder: Path) -> str:
    """Load TLJH's own configuration in JupyterHub, with the plugin looking at folders below `folder`."""
    plugin = importlib.import_module("tljh_agents_on_the_wire")
    for name in ("tljh/config", "tljh/state", "course/build/shared", "course/workshop"):
        (folder / name).mkdir(parents=True)
    shutil.copy(ROOT / "workshop" / "roster.py", folder / "course" / "workshop")
    told = {
        "command": ["/x/bin/python", "-P", "single.py"],
        "environment": {"COURSE_HUB_COPY": "x"},
        "opens": "/lab",
    }
    (folder / "course" / "build" / "shared" / "learner.json").write_text(json.dumps(told))
    config = folder / "config.py"
    config.write_text(SETTINGS.format(course=str(folder / "course"), settings=str(folder / "settings")))
    before, plugin.COURSE = plugin.COURSE, folder / "course"
    try:
        roster = plugin.make_roster(folder / "settings" / "roster.json")
    finally:
        plugin.COURSE = before
    mode = (folder / "settings" / "roster.json").stat().st_mode & 0o777
    if mode != 0o600:
        raise Wrong(f"the roster's mode is {mode:o}; nobody but root may read it")
    shown = ran(
        *(sys.executable, "-m", "jupyterhub", "-f", config, "--show-config-json"),
        env={**os.environ, "TLJH_INSTALL_PREFIX": str(folder / "tljh")},
    )
    for text in (".learner", *roster, "single.py", "TasksMax", '"allow_all": false'):
        if text.lstrip(".") not in shown:
            raise Wrong(f"JupyterHub's configuration lacks {text!r}:\n{shown[:3000]}")
    if leaked := [key for key in roster.values() if key in shown]:
        raise Wrong(
            f"{len(leaked)} API keys are in JupyterHub's configuration; they belong in learners' servers only"
        )
    return f"{len(roster)} names may log in"


def chart() -> str:
    """helm checks our values against the chart's schema and renders the chart; Kubernetes' schemas accept that."""
    helm = shutil.which("helm")
    if helm is None:
        raise Missing("see https://helm.sh/docs/intro/install/")
    import yaml
    from kubernetes_validate import validate

    rendered = ran(
        *(
            helm,
            "template",
            "hub",
            "jupyterhub",
            "--repo",
            "https://hub.jupyter.org/helm-chart/",
            "--version",
            CHART,
        ),
        *("--values", ROOT / "workshop" / "kubernetes" / "values.yaml", "--namespace", "workshop"),
        *("--set-file", f"hub.extraFiles.roster.stringData={ROOT / 'workshop' / 'roster.py'}"),
    )
    documents = [each for each in yaml.safe_load_all(rendered) if each]
    for document in documents:
        validate(document, "1.34", strict=True)
    kinds = sorted({document["kind"] for document in documents})
    return f"{len(documents)} objects of the kinds {', '.join(kinds)}"


CHECKS: dict[str, Callable[[], str]] = {
    "binder": binder,
    "devcontainer": devcontainer,
    "tljh": tljh,
    "chart": chart,
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="workshop.check", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", choices=[*CHECKS, []], help="checks to run (default: all)")
    parser.add_argument("--strict", action="store_true", help="a missing tool is a failure")
    chosen = parser.parse_args(arguments)
    failed = 0
    for name in chosen.names or CHECKS:
        try:
            print(f"{name}: ok, {CHECKS[name]()}", flush=True)
        except Missing as error:
            failed += chosen.strict
            print(f"{name}: NOT CHECKED, a tool is missing. Install it:  {error}", flush=True)
        except Exception as error:  # whatever a tool raises is why the check failed
            failed += 1
            print(f"{name}: FAILED: {error}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
