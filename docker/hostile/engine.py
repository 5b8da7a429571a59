"""A Docker engine just for the tests: its own containerd, folder and socket, in the network that this process is in.

Starts both, waits until they answer, says what is missing, and ends them with their containers and mounts. Never uses or
changes an engine that is already there. Its folder is in memory if there is plenty, because an engine waits for the disk at
every step, and that took most of the time. Needs Linux and root.

    with Engine(folder) as engine:
        engine.docker("version")
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

INSTALL = "apt-get install docker.io"
NEEDED = ("docker", "dockerd", "containerd", "runc")
PATIENCE = 240  # seconds until it must answer
ROOM, PLENTY = (
    4 << 30,
    7 << 30,
)  # bytes: the size of a folder in memory, and the free memory that it takes to have one


def missing() -> str | None:
    """Why no engine can be started here, with the command that helps; None if one can."""
    if os.name != "posix" or not Path("/proc/self/ns/net").exists():
        return "no Docker engine: these tests need Linux"
    lacking = [name for name in NEEDED if not shutil.which(name)]
    if lacking:
        return f"no Docker engine ({', '.join(lacking)} missing); install it: sudo {INSTALL}"
    if os.geteuid() != 0:
        return "a Docker engine can be started only by root; run the tests with: sudo -E make test"
    return None


class Engine:
    """A with block starts and ends it. `docker` commands with `engine.environment` use it.

    `keep`: the folder belongs to another engine, which is paused. Its images are used and stay when this one ends.
    """

    def __init__(self, folder: Path, keep: bool = False) -> None:
        self.folder, self.keep, self.driver = folder, keep, ""
        self.environment = {**os.environ, "DOCKER_HOST": f"unix://{folder}/docker.sock"}
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Engine":
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.keep:
            _into_memory(self.folder)
        (self.folder / "containerd.toml").write_text(
            'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n', encoding="utf-8"
        )
        (self.folder / "daemon.json").write_text("{}", encoding="utf-8")
        why = ""
        for driver in ("overlay2", "vfs"):
            self.driver = driver
            try:
                self._start(driver)
                return self
            except RuntimeError as error:
                why = str(error)
                self._end()
        self._remove()
        raise RuntimeError(why)

    def __exit__(self, *_: object) -> None:
        running = self.docker("ps", "--quiet", check=False).stdout.split()
        if running:
            self.docker("kill", *running, check=False)
        self._end()
        self._remove()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Ends the engine for the block, so that another one with `keep` can use its images in another network."""
        self._end()
        try:
            yield
        finally:
            self._start(self.driver)

    def docker(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a docker command on this engine. RuntimeError if it fails, unless `check` is False."""
        done = subprocess.run(
            ["docker", *arguments], env=self.environment, capture_output=True, text=True, check=False
        )
        if check and done.returncode:
            raise RuntimeError(f"docker {' '.join(arguments[:3])} …: {done.stderr.strip()[-1000:]}")
        return done

    @property
    def version(self) -> str:
        return self.docker("version", "--format", "{{.Server.Version}}").stdout.strip()

    def _start(self, driver: str) -> None:
        where = self.folder
        for left in ("docker.sock", "containerd.sock", "docker.pid"):
            (where / left).unlink(missing_ok=True)
        self._run(
            "containerd",
            *("--config", f"{where}/containerd.toml", "--address", f"{where}/containerd.sock"),
            *("--root", f"{where}/containerd", "--state", f"{where}/state"),
        )
        self._until(lambda: (where / "containerd.sock").exists())
        self._run(
            "dockerd",
            *("--host", f"unix://{where}/docker.sock", "--containerd", f"{where}/containerd.sock"),
            *("--data-root", f"{where}/data-{driver}", "--exec-root", f"{where}/exec"),
            *("--pidfile", f"{where}/docker.pid", "--config-file", f"{where}/daemon.json"),
            *("--storage-driver", driver, "--iptables=false", "--bridge=none"),
        )
        self._until(lambda: self.docker("version", check=False).returncode == 0)

    def _run(self, *command: str) -> None:
        with (self.folder / f"{command[0]}.log").open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._processes.append(process)

    def _until(self, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not ready():
            ended = [p for p in self._processes if p.poll() is not None]
            if ended or time.monotonic() > deadline:
                name = Path((ended or self._processes[-1:])[0].args[0]).name
                text = (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")
                raise RuntimeError(f"{name} did not start. The end of its log:\n{text[-2000:]}")
            time.sleep(0.2)

    def _end(self) -> None:
        for process in reversed(self._processes):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    def _remove(self) -> None:
        """Remove what it mounted, and its folder unless that belongs to another engine."""
        for line in reversed(Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()):
            mount = line.split()[1]
            if mount.startswith(f"{self.folder}/") or (mount == str(self.folder) and not self.keep):
                subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)


def _into_memory(folder: Path) -> None:
    """Mount memory there if there is plenty; otherwise the folder is on the disk, and everything takes longer."""
    if psutil.virtual_memory().available > PLENTY:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM},mode=0711", "tmpfs", str(folder)]
        subprocess.run(mount, check=False, capture_output=True)
