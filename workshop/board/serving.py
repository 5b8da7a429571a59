"""Listen, print the addresses, and serve until told to end.

serve(folder, "127.0.0.1", 8787)
"""

import asyncio
import os
import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, url

from course.addresses import is_loopback
from course.errors import CourseError
from course.server import registry
from course.terminal import say
from workshop import networks
from workshop.board import learners, pages
from workshop.board.board import Board

MOST_BODY = 2**18  # bytes of a request; a tape may have more


def application(board: Board) -> Application:
    """The board's web application."""
    routes = [
        ("", pages.Main),
        ("stream", pages.Stream),
        ("static/(board.js|board.css)", pages.Static),
        ("room/([A-Za-z0-9-]{1,40})", pages.Room),
        ("tapes/([0-9a-f]{8})", pages.Tape),
        ("learners/([0-9]{1,9})/remove", pages.Remove),
        ("room/([A-Za-z0-9-]{1,40})/learners", learners.Join),
        ("learner", learners.Leave),
        ("events", learners.Events),
        ("tapes", learners.Share),
    ]
    handlers = [url(board.prefix + path, handler, {"board": board}) for path, handler in routes]
    return Application(
        handlers,
        cookie_secret=board.codes.secret,
        default_handler_class=learners.Nothing,
        default_handler_args={"board": board},
        log_function=lambda _: None,  # who asked for what is nobody's business, errors still go to the log
    )


def serve(folder: Path, host: str, port: int) -> None:
    """Run the board until Ctrl-C or SIGTERM. CourseError if it cannot listen, or another board has this folder.

    A JupyterHub says in the environment where to listen, and under which path.
    """
    hub = os.environ.get("JUPYTERHUB_SERVICE_URL")
    if hub:
        host, port = urlsplit(hub).hostname or "127.0.0.1", urlsplit(hub).port or 80
    asyncio.run(
        _serve(
            folder, host, port, os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "/") if hub else "/", bool(hub)
        )
    )


async def _serve(folder: Path, host: str, port: int, prefix: str, hub: bool) -> None:
    board = Board(folder, host, prefix, hub)
    try:
        sockets = _listening(host, port)
        board.port = sockets[0].getsockname()[1]
        addresses = [] if hub else reachable(host, board.port)
        board.address = addresses[0] if addresses else ""
        server = HTTPServer(
            application(board),
            xheaders=hub,
            max_body_size=MOST_BODY,
            idle_connection_timeout=120,
            body_timeout=60,
        )
        server.add_sockets(sockets)
        told = _told_to_end()
        _tell(board, addresses)
        await told.wait()
        server.stop()
        await server.close_all_connections()
    finally:
        board.close()


def _listening(host: str, port: int) -> list[socket.socket]:
    try:
        return bind_sockets(port, host)
    except OSError as error:
        process = registry.holder(port) if port else None
        who = f", in use by {process.name()} (pid {process.pid})" if process else ""
        raise CourseError(
            f"the board cannot listen on {host} port {port}: {error.strerror or error}{who}.\n"
            f"Choose another port:  make board ARGS='--port {port + 1}'"
        ) from error


def reachable(host: str, port: int) -> list[str]:
    """The addresses under which learners reach a board that listens on `host`."""
    hosts = [host]
    if host in ("0.0.0.0", "::", ""):
        hosts = networks.hosts() or ["127.0.0.1"]
    return [f"http://{f'[{each}]' if ':' in each else each}:{port}/" for each in hosts]


def _tell(board: Board, addresses: list[str]) -> None:
    if board.hub:
        say(f"board: listening on port {board.port} for the hub, under {board.prefix}")
        return
    local = (
        f"http://127.0.0.1:{board.port}/"
        if is_loopback(board.host) or board.host == "0.0.0.0"
        else addresses[0]
    )
    say(f"instructor: {pages.instructor_url(local, board.codes.token)}")
    for address in addresses:
        say(f"learners:   course board join {address}room/{board.codes.room} --name NAME")
    if is_loopback(board.host):
        say("Only this computer can reach it. For a room:  make board HOST=0.0.0.0")
    say(f"data:       {board.folder}\nCtrl-C ends the board; what it knows stays.")


def _told_to_end() -> asyncio.Event:
    """An event that Ctrl-C or SIGTERM sets, from now on."""
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    return told
