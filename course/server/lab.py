"""JupyterLab on the first lesson, with a live llama-server beside it.

Starts both, passes the server's address to the kernels, opens a browser if there is one, prints the address, and stops
what it started at the end. Both listen on loopback only, and JupyterLab requires a token. The learner's Jupyter settings
are left alone: the settings of this run are in a temporary folder.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
import webbrowser
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from course import ROOT
from course.errors import CourseError
from course.server import Server, processes, registry, startup
from course.server.serving import ended_by_signals

PORT = 8888
PATIENCE = 300.0  # seconds until JupyterLab must answer
LONGEST_SILENCE = 5.0  # seconds between two progress messages
FIRST = "notebooks/00_welcome.ipynb"
QUIET = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
"""Defaults for this run: no prompt about Jupyter news, no update check. The learner's own settings take precedence."""


def jupyterlab(profile: str | None, url: str | None) -> int:
    """Run until Ctrl-C, a signal, or the end of JupyterLab. Returns the exit status."""
    if not (ROOT / FIRST).is_file():
        raise CourseError(f"{ROOT / FIRST} is missing.\nRestore the lessons:  git checkout -- notebooks")
    with (
        ended_by_signals(),
        Server(profile, url=url) as server,
        tempfile.TemporaryDirectory(prefix="course-lab-") as private,
    ):
        print(f"llama-server: {server.shown}", flush=True)
        return _run(server, Path(private))


def _run(server: Server, private: Path) -> int:
    port, token = registry.next_free(PORT), secrets.token_hex(24)
    if port != PORT:
        print(f"# port {PORT} is taken, using {port} for JupyterLab", flush=True)
    log = startup.new_log("jupyterlab")
    with log.open("wb") as file:
        child = subprocess.Popen(
            command(port, root=os.name == "posix" and os.geteuid() == 0),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env=environment(server, private, token, os.environ),
            cwd=ROOT,
            start_new_session=processes.POSIX,  # Ctrl-C must not reach JupyterLab, which would ask for confirmation
            creationflags=processes.NEW_GROUP,
        )
    born, us = processes.created(child.pid), os.getpid()
    page: Path | None = None
    try:
        url = f"http://127.0.0.1:{port}"
        registry.record(
            registry.Running(child.pid, born, us, processes.created(us), url, registry.LAB, [], str(log))
        )
        print("# JupyterLab is starting …", flush=True)
        tick = _ticker()
        trust(ROOT / "notebooks", tick)
        _until_it_answers(child, log, f"{url}/api/status", token, tick)
        address = f"{url}/lab/tree/{FIRST}?token={token}"
        print(
            "JupyterLab is ready. Ctrl-C stops it and the llama-server that was started for it.", flush=True
        )
        if has_browser(os.environ, sys.platform):
            page = _open(address)
        print(
            "Opening it in your browser. If nothing happens, open:"
            if page
            else "Open this address in a browser:"
        )
        print(address, flush=True)
        if status := child.wait():
            raise CourseError(_ended(status, log))
        return 0
    except KeyboardInterrupt:
        print("stopping …", flush=True)
        return 0
    finally:
        processes.end(child.pid, born, patience=10)
        with suppress(subprocess.TimeoutExpired):
            child.wait(1)
        registry.forget(child.pid)
        if page:
            page.unlink(missing_ok=True)


def command(port: int, root: bool) -> list[str]:
    """The command that starts JupyterLab. The token is not part of it, because anyone can see a command line."""
    options = ["--no-browser", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"]
    options += ["--ServerApp.port_retries=0"]
    options += [f"--ServerApp.root_dir={ROOT}", f"--LabApp.default_url=/lab/tree/{FIRST}"]
    if root:
        options.append("--allow-root")  # in a container; it listens on loopback and needs a token
    return [sys.executable, "-m", "jupyterlab", *options]


def environment(server: Server, private: Path, token: str, given: Mapping[str, str]) -> dict[str, str]:
    """JupyterLab's environment, which its kernels inherit: the server's address, and the files in `private`."""
    settings = private / "labconfig" / "default_setting_overrides.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps(QUIET), encoding="utf-8")
    (private / "token").touch(mode=0o600)
    (private / "token").write_text(token, encoding="utf-8")
    made = {**given, "SERVER": server.url, "JUPYTER_TOKEN_FILE": str(private / "token")}
    made.pop("JUPYTER_TOKEN", None)  # it would win over the file
    made["JUPYTER_CONFIG_PATH"] = os.pathsep.join(
        filter(None, [str(private), given.get("JUPYTER_CONFIG_PATH")])
    )
    if server.named or not server.attached:
        made["PROFILE"] = server.profile.name
    if server.api_key:
        made["KEY"] = server.api_key
    return made


def has_browser(given: Mapping[str, str], platform: str, root: bool | None = None) -> bool:
    """Whether the person who typed the command would see a browser that opens on this computer."""
    if root is None:
        root = os.name == "posix" and os.geteuid() == 0
    remote = any(given.get(name) for name in ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"))
    if root or remote or given.get("CI", "").lower() not in ("", "0", "false"):
        return False
    return platform in ("darwin", "win32") or bool(given.get("DISPLAY") or given.get("WAYLAND_DISPLAY"))


def trust(folder: Path, tick: Callable[[], object] = lambda: None) -> int:
    """Sign the lessons that Jupyter does not trust yet, so that it shows their stored outputs; returns how many."""
    import nbformat
    from nbformat.sign import NotebookNotary

    notary: Any = NotebookNotary()
    signed = 0
    for path in [*folder.glob("[0-9][0-9]*_*.ipynb"), *folder.glob("solutions/[0-9][0-9]*_*.ipynb")]:
        tick()
        with suppress(OSError, ValueError):  # Jupyter itself says what is wrong with a damaged notebook
            notebook = nbformat.read(path, as_version=4)
            if not notary.check_signature(notebook):
                notary.sign(notebook)
                signed += 1
    return signed


def _ended(status: int, log: Path) -> str:
    text = log.read_text(encoding="utf-8", errors="replace")
    end = f"The end of its log ({log}):\n{startup.tail(text)}"
    return f"JupyterLab ended with status {status}. {end}\nTry again:  course lab"


def _ticker() -> Callable[[], None]:
    """A function to call often. It prints a progress message every few seconds."""
    began = told = time.monotonic()

    def tick() -> None:
        nonlocal told
        now = time.monotonic()
        if now - told > LONGEST_SILENCE:
            told = now
            print(f"# still starting ({now - began:.0f} s) …", flush=True)

    return tick


def _until_it_answers(
    child: "subprocess.Popen[bytes]", log: Path, url: str, token: str, tick: Callable[[], None]
) -> None:
    began = time.monotonic()
    while True:
        if (status := child.poll()) is not None:
            raise CourseError(_ended(status, log))
        with suppress(httpx.HTTPError):
            headers = {"Authorization": f"token {token}"}
            status = httpx.get(url, headers=headers, timeout=2, trust_env=False).status_code
            if status == 200:
                return
            if status == 403:
                raise CourseError(
                    "JupyterLab does not accept this run's token, because its configuration sets another one.\n"
                    "See where Jupyter looks for its configuration:  jupyter --paths"
                )
        if time.monotonic() - began > PATIENCE:
            raise CourseError(
                f"JupyterLab did not answer within {PATIENCE:.0f} s. Its log is {log}.\nTry again:  course lab"
            )
        tick()
        time.sleep(0.2)


def _open(address: str) -> Path | None:
    """Open the address in the browser through a page that only this user can read; None if there is no browser.

    On the browser's command line, other users could see the token. The page is in the checkout because browsers that are
    installed as a snap can read neither /tmp nor hidden folders.
    """
    page = ROOT / "build" / f"lab-{secrets.token_hex(8)}.html"
    try:
        page.parent.mkdir(exist_ok=True)
        page.touch(mode=0o600)
        page.write_text(f'<meta http-equiv="refresh" content="0; url={address}">', encoding="utf-8")
        return page if webbrowser.open(page.as_uri()) else None
    except (OSError, webbrowser.Error):
        return None
