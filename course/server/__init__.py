"""Start a llama-server, or attach to a running one, and talk to it.

Prints the exact command, chooses the port, keeps the log, waits until the model is loaded and ends the process group.
A failure becomes a message with the end of the log and the next command. Knows nothing about agents, changes nothing
that is sent, and never stops a server that it did not start.

    with Server("embedded", jinja=False) as server:
        server.props()["chat_template"]

`socket=True`, or a path that ends in .sock, makes it listen on a Unix socket instead of a port. Programs of other users
cannot reach it, and neither can containers, except one that the socket is mounted into.

Only pages of this computer may read its answers in a browser, unless $LLAMA_ARG_CORS_ORIGINS or its flag says otherwise. It
ends with this program, except after `kill -9`; `course stop` finds it then.

`url=…` attaches to a running server (with `api_key=…`, else $KEY). $SERVER does the same, unless settings are changed here
or a profile other than $PROFILE is named: then a new server is started. `url=False` never attaches.
"""

import os
import subprocess
import time
import weakref
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from course import files
from course.addresses import EXAMPLE, masked, split, with_scheme
from course.errors import CourseError
from course.model import embedded, engine, profiles
from course.model.profiles import Profile
from course.server import processes, registry, startup, unixsocket
from course.server.connection import UNIX, Connection, calls_itself_llama, parsed, socket_path
from course.server.owner import ends_with_us
from course.server.registry import Running, running, stop_all
from course.terminal import say

__all__ = ["Running", "Server", "running", "stop_all"]
PORT = 8080
PORT_TRIES = 12  # ports that are tried where others start servers at the same moment
PATIENCE = 600  # seconds until a local model must be ready; a download has no limit
OURS = {
    "--host": "Choose the address like this:  Server(host='0.0.0.0')",
    "--port": "Choose the port like this:  course serve --port 8081",
}
KEYS = {"--api-key": "LLAMA_API_KEY", "--hf-token": "HF_TOKEN", "-hft": "HF_TOKEN"}
"""llama-server's flags that take a key, and the variables that it reads instead."""
ORIGINS = {"LLAMA_ARG_CORS_ORIGINS": "localhost"}
"""By default, llama-server lets the pages of every web site read its answers. Builds without --cors-origins ignore this."""
LONGEST_SILENCE = 8  # seconds between two progress messages while it loads


class Server(Connection):
    """A llama-server: `start()` and `stop()`, or a with block.

    `changes` are the profile's settings to change, by the names in `profiles.CHANGES`; anything else is a CourseError.
    """

    def __init__(
        self,
        profile: str | Profile | None = None,
        *,
        url: str | bool | None = None,
        port: int | None = None,
        host: str = "127.0.0.1",
        socket: str | Path | bool | None = None,
        api_key: str | None = None,
        quiet: bool = False,
        **changes: Any,
    ) -> None:
        profiles.check_changes(changes)
        if url is None and not changes and port is None and not socket and not _other(profile):
            url = os.environ.get("SERVER")
        if socket and (url or port is not None):
            raise CourseError(
                f"a server listens at one address, but two were given: socket={socket!s} and "
                f"{f'port {port}' if port is not None else url}.\nPass only one:  Server(socket=True)"
            )
        if url and changes:
            raise CourseError(
                f"{masked(str(url))} is already running, so its settings cannot be changed ({', '.join(changes)}).\n"
                f"Start your own server:  Server({', '.join(f'{k}={v!r}' for k, v in changes.items())})"
            )
        for flag in map(_flag, changes.get("extra") or ()):
            if flag in OURS:
                raise CourseError(f"{flag} is set by the course, which would override yours.\n{OURS[flag]}")
            if flag in KEYS:
                raise CourseError(
                    f"{flag} puts a key on the command line, where other users of this computer can see it.\n"
                    f"Set it in the environment instead:  {KEYS[flag]}=… course serve"
                )
        self.attached = bool(url)
        self.named = profile is not None or bool(os.environ.get("PROFILE"))
        self.profile = profile if isinstance(profile, Profile) else profiles.load(profile)
        self.changes, self.host, self.port, self.quiet = changes, host, port, quiet
        self.socket = socket
        key = api_key or (os.environ.get("KEY") if self.attached else None)
        super().__init__(_base(str(url)) if self.attached else "", key)
        self.engine: engine.Engine | None = None
        self.command: list[str] = []
        self.log_path: Path | None = None
        self.pid: int | None = None
        self.model_id = self.profile.model_id
        self._groups: list[list[str]] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._end: weakref.finalize[..., Server] | None = None

    def start(self) -> "Server":
        """Launch it and wait until it is ready, or attach. Does nothing if it is already running."""
        if self.attached:
            self._attach()
        elif self._process is None:
            self._launch()
        return self

    def stop(self) -> None:
        """End the server that this object started, with its process group. An attached one keeps running."""
        if self._end is not None:
            self._end()
        self._process = self._end = self.pid = None

    def detach(self) -> None:
        """Leave it running when this program ends; `course stop` ends it."""
        if self.pid is None or self._end is None or self._process is None:
            raise CourseError("there is no server to leave running.\nStart it first:  server.start()")
        self._record(self.pid)
        self._end.detach()
        self._process.returncode = 0  # Popen would warn that it still runs
        self._process = self._end = None

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "attached" if self.attached else f"pid {self.pid}" if self.pid else "not running"
        return f"<Server {self.profile.name} {self.shown or '(no address yet)'} {state}>"

    @property
    def command_line(self) -> str:
        """The command on one line, quoted for the shell."""
        return " ".join(self._shown())

    def _shown(self) -> list[str]:
        """The command's lines. The key is passed in the environment, because anyone can see a command line."""
        lines = startup.quoted(self._groups)
        return ["LLAMA_API_KEY=…", *lines] if self.api_key and lines else lines

    def _say(self, text: str) -> None:
        if not self.quiet:
            say(text)

    def _launch(self) -> None:
        """Start it. If another program takes a port that the course chose before the server does, try the next one."""
        groups = self._flags()
        for tries_left in reversed(range(PORT_TRIES)):
            try:
                return self._launch_at(groups, *self._place())
            except CourseError:
                chosen_here = self.port is None and not self.socket
                if not (
                    tries_left and chosen_here and self.log_path and startup.lost_its_port(self.log(400))
                ):
                    raise
                self._say(f"# another program took {self.url} first, trying the next port")

    def _launch_at(self, groups: list[list[str]], where: str, listen: list[str]) -> None:
        self.engine = engine.find()
        self._groups = [self.engine.command, *groups, listen]
        self.command = [part for group in self._groups for part in group]
        self._say(" \\\n    ".join(self._shown()))
        self.log_path = startup.new_log(f"{self.profile.name}-{where}")
        key = {"LLAMA_API_KEY": self.api_key} if self.api_key else {}
        with files.usable(self.log_path.parent), self.log_path.open("wb") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**ORIGINS, **os.environ, **key},
                start_new_session=processes.POSIX,
                creationflags=processes.NEW_GROUP,
            )
        self.pid = self._process.pid
        path = socket_path(self.url)
        born = processes.created(self.pid)
        self._end = weakref.finalize(self, _end, os.getpid(), self._process, born, path)
        ends_with_us(self._end)
        try:
            self._record(os.getpid())
            self._wait(self._process, self.engine)
            if path:
                unixsocket.admit(path)
        except BaseException:
            self.stop()
            raise

    def _record(self, owner: int) -> None:
        """Note in the registry that this server runs, and which process will stop it."""
        assert self.pid is not None
        born, owner_born = processes.created(self.pid), processes.created(owner)
        name, log = self.profile.name, str(self.log_path)
        registry.record(Running(self.pid, born, owner, owner_born, self.url, name, self.command, log))

    def _place(self) -> tuple[str, list[str]]:
        """Set the address; return a word for the log's name and the flags that say where to listen."""
        if self.socket:
            path = unixsocket.prepare(None if self.socket is True else self.socket)
            self.url = f"{UNIX}{path}"
            return "socket", ["--host", str(path)]
        port = self._choose_port()
        self.url = f"http://{'127.0.0.1' if self.host == '0.0.0.0' else self.host}:{port}"
        return str(port), ["--host", self.host, "--port", str(port)]

    def _flags(self) -> list[list[str]]:
        """The flags of profile and changes. CourseError if a file that they name is missing."""
        chosen = self.changes.get("model")
        if chosen is None and self.profile.source == "embedded":
            model = str(embedded.gguf_path(self._say))
        elif chosen is None and self.profile.source == "base":
            model = str(embedded.base_path())
        elif chosen is None and self.profile.hf_file:
            model = None
        else:
            model = str(Path(chosen or self.profile.source).expanduser())
            startup.check_gguf(model)
        template = self.profile.template
        if template == "embedded":
            template = str(embedded.template_path())
        template = self.changes.get("chat_template_file", template)
        for what, path in (("chat template", template), ("LoRA adapter", self.changes.get("lora"))):
            if path and not Path(path).is_file():
                raise CourseError(f"the {what} {path} is missing.\nLook for it:  ls {Path(path).parent}")
        return profiles.flag_groups(self.profile, self.changes, model, template and str(template))

    def _choose_port(self) -> int:
        if self.port is not None:
            if not registry.is_free(self.port, self.host):
                raise CourseError(registry.taken(self.port, self.host))
            return self.port
        if registry.is_free(PORT, self.host):
            return PORT
        port = registry.next_free(PORT + 1, self.host)
        left = [server for server in running() if server.orphan]
        hint = f". Still running: {left[0]}. Stop it with: course stop" if left else ""
        self._say(f"# port {PORT} is taken, using {port}{hint}")
        return port

    def _wait(self, process: subprocess.Popen[bytes], run_by: engine.Engine) -> None:
        """Return when /health says ok. The process is watched at the same time, because it may end first."""
        began, told = time.monotonic(), 3.0
        with self.client(timeout=2) as client:
            while True:
                if (status := process.poll()) is not None:
                    raise CourseError(self._why(status, run_by))
                try:
                    if client.get("/health").status_code == 200 and self._listens(process):
                        return
                except httpx.TransportError:
                    pass
                waited = time.monotonic() - began
                if waited > told:
                    self._say(f"# loading for {waited:.0f} s … {self.log(1).strip()[:100]}")
                    told += min(told, LONGEST_SILENCE)
                if waited > PATIENCE and self._groups[1][0] != "-hf":
                    raise CourseError(
                        f"the server is still not ready after {PATIENCE} s.\n{self._log_tail()}\n"
                        "Try again, or use a smaller model:  PROFILE=embedded course serve"
                    )
                time.sleep(0.05)

    def _listens(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether what answers is this process, and not a server that was faster to take the port."""
        port = urlsplit(self.url).port if not socket_path(self.url) else None
        holder = registry.holder(port) if port else None
        if holder is None and port and registry.foreign(port):  # another learner of the same computer
            return False
        return process.poll() is None and (holder is None or holder.pid == process.pid)

    def _why(self, status: int, run_by: engine.Engine) -> str:
        model = self._groups[1][1]
        context = self.changes.get("context", self.profile.context)
        why = startup.explain(self.log(400), status, model=model, build=run_by.build, context=context)
        return f"{why}\n{self._log_tail()}"

    def _log_tail(self) -> str:
        return f"The end of its log ({self.log_path}):\n{startup.tail(self.log(20))}"

    def _attach(self) -> None:
        """Wait while it loads, make sure that it is a llama-server, and ask for the name of its model."""
        began = time.monotonic()
        while self.request("GET", "/health").status_code == 503 and time.monotonic() - began < PATIENCE:
            self._say(f"# {self.shown} is loading its model …")
            time.sleep(2)
        answer = self.request("GET", "/v1/models")
        if answer.status_code in (401, 403):
            given = ", and rejected the one it was given" if self.api_key else ""
            raise CourseError(
                f"{self.shown} requires an API key{given}.\nSet it:  KEY=… SERVER={self.shown} course …"
            )
        try:
            name = parsed(answer)["data"][0]["id"]
        except (ValueError, LookupError, TypeError):
            name = None
        if not isinstance(name, str) or not calls_itself_llama(answer):
            raise CourseError(
                f"the server at {self.shown} is not a llama-server (GET /v1/models: HTTP {answer.status_code}).\n"
                "Check the address, or start your own server:  course serve"
            )
        self.model_id = name
        self.profile = profiles.served(self.profile, self.named, self.model_id)
        self._say(f"# attached to {self.shown}, which serves {self.model_id}")

    def _unreachable(self, error: httpx.TransportError) -> str:
        if self._process is not None and (status := self._process.poll()) is not None:
            ended = f"the server has ended (status {status}).\n{self._log_tail()}"
            return f"{ended}\nStart it again:  server.stop(); server.start()"
        return super()._unreachable(error)

    def log(self, last: int = 40) -> str:
        """The last lines of the server's log."""
        if self.log_path is None:
            raise CourseError(
                f"there is no log for {self.shown or 'this server'}, because this program did not start it.\n"
                "Start your own server to get one:  Server(url=False).start()"
            )
        lines = self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-last:])


def _end(owner: int, process: subprocess.Popen[bytes], born: float, socket: str | None) -> None:
    """Runs once: in stop(), when the object is garbage collected, or at exit. Never in a forked child."""
    if os.getpid() != owner:
        return
    processes.end(process.pid, born)
    process.wait()
    if socket:
        Path(socket).unlink(missing_ok=True)
    registry.forget(process.pid)


def _flag(word: object) -> str:
    """The flag that a word of a command line names. llama-server takes --api_key for --api-key (common/arg.cpp).

    It refuses --api-key=K, but only after the key was shown.
    """
    return str(word).partition("=")[0].replace("_", "-")


def _other(profile: str | Profile | None) -> bool:
    """Whether this profile differs from $PROFILE, the one that $SERVER was started with."""
    served = os.environ.get("PROFILE")
    return bool(served) and profile is not None and getattr(profile, "name", profile) != served


def _base(url: str) -> str:
    """The server's address without /v1 and trailing slashes. CourseError if it is not valid."""
    url = with_scheme(url)
    if not url.startswith(UNIX) and split(url).query:
        raise CourseError(
            f"{masked(url)} has a query, which the address of a server cannot have.\n"
            f"Give an API key like this:  KEY=… {EXAMPLE} course …"
        )
    return url.rstrip("/").removesuffix("/v1").rstrip("/")
