"""The `course sandbox` commands: parse the arguments, start a server if none is given, print the docker command, run it.

course/sandbox decides what the container may do.

    course sandbox run "How many seconds would it take for a leopard at full speed to run through Pont des Arts?"
"""

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from course.errors import CourseError
from course.terminal import say

if TYPE_CHECKING:
    from course.server import Server

IMAGE = Annotated[str, typer.Option(help="Name of the image.")]
sandbox = typer.Typer(no_args_is_help=True, help="Run the agent in a hardened container.")


@sandbox.command()
def build(
    image: IMAGE = "agents-on-the-wire/agent",
    base: Annotated[str | None, typer.Option(help="Base image (default: python:3.12-slim).")] = None,
    build_arg: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Build argument for docker build. Can be repeated."),
    ] = None,
    remote_engine: Annotated[
        bool,
        typer.Option(
            "--remote-engine",
            help="Allow a Docker engine on another computer, which then gets the course's files and the build arguments.",
        ),
    ] = False,
) -> None:
    """Build the agent's image. Prints the docker command before running it."""
    from course.sandbox import container

    container.build(container.build_command(image, base, build_arg or ()), say, remote_engine)


@sandbox.command(
    options_metavar="[OPTIONS] [DOCKER OPTIONS]",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def run(
    ctx: typer.Context,
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="Question to ask (default: the leopard question).")
    ] = "",
    network: Annotated[
        str,
        typer.Option(help="How the agent reaches the model: socket (no network at all), host or gateway."),
    ] = "socket",
    server: Annotated[
        str | None,
        typer.Option(
            help="Address of a running llama-server: http://… or unix:///….sock (default: $SERVER, else start one)."
        ),
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="Model profile (default: $PROFILE, else embedded).")
    ] = None,
    search: Annotated[
        str, typer.Option(help="Search tool: offline, or web (needs --network host or gateway).")
    ] = "offline",
    tape: Annotated[Path | None, typer.Option(help="Tape file on the host to write or append to.")] = None,
    volume: Annotated[str, typer.Option(help="Docker volume to store the tape in.")] = "",
    max_steps: Annotated[int, typer.Option(min=1, help="Maximum number of steps.")] = 10,
    memory: Annotated[
        str, typer.Option(help="Memory limit of the container in Docker's notation, such as 512m or 2g.")
    ] = "1g",
    seconds: Annotated[
        float, typer.Option(min=1, help="Time limit, after which the container is killed.")
    ] = 900,
    image: IMAGE = "agents-on-the-wire/agent",
    remote_engine: Annotated[
        bool,
        typer.Option(
            "--remote-engine",
            help="Allow a Docker engine on another computer, which then gets the question and $KEY.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the docker command without running it.")
    ] = False,
) -> None:
    """Ask an agent in a container. Prints the docker command before running it.

    Any other option is passed to docker run if it is on the list of harmless ones, and refused otherwise.
    """
    import os

    from course import sandbox
    from course.sandbox import container, refusals
    from course.tape import Tape

    options = list(ctx.args)
    if question.startswith("-"):  # an option for docker that came before the question
        options, question = refusals.without_question([question, *options])
    limits, name = sandbox.Limits(memory=memory, seconds=seconds), container.fresh_name()
    live = _server(server or os.environ.get("SERVER"), profile, network)

    def made(question: str, url: str, engine: str = "") -> list[list[str]]:
        return sandbox.command(
            question,
            url,
            network,
            image=image,
            name=name,
            key=bool(os.environ.get("KEY")),
            search=search,
            tape=tape is not None,
            volume=volume,
            max_steps=max_steps,
            limits=limits,
            options=options,
            engine=engine,
        )

    address = live.url or ("unix:///path/to/llama.sock" if network == "socket" else "http://127.0.0.1:8080")
    made(question, address)  # refused before anything is started or contacted
    if tape:  # so is what cannot be continued
        Tape(tape, keep=False, report=lambda problem: say(f"course: {problem}", err=True))
    engine = "" if dry_run else container.check(image, remote_engine)
    from course.agent import LEOPARD  # takes seconds, so it comes after the checks

    question = question or LEOPARD
    groups = made(question, address, engine)
    if dry_run:
        say(sandbox.shown(groups), err=True)
        return
    if engine:
        say(f"# the agent runs on {engine}, where docker's engine is", err=True)
    with live:
        groups = made(question, live.url, engine)
        say(sandbox.shown(groups), err=True)
        out_of: AbstractContextManager[Any] = container.record(tape, say) if tape else nullcontext(sys.stdout)
        with out_of as out:
            status = container.run(groups, name, limits, out=out)
    if why := container.explain(status):
        raise CourseError(why)
    raise typer.Exit(status)


def _server(url: str | None, profile: str | None, network: str) -> "Server":
    """The server at `url`, or a new one, which listens on a Unix socket if `network` is socket. Neither is started yet."""
    from course.sandbox import engines
    from course.server import Server
    from course.server.connection import socket_path

    if url:  # contacted before it is mounted: it must be a llama-server
        given = Server(profile, url=url, quiet=True)
        if path := socket_path(given.url) or socket_path(url.strip()):  # unix:/// is the root folder
            engines.check_socket(path)
        return given
    if network == "gateway" and sys.platform == "linux":
        raise CourseError(
            "on Linux, the gateway cannot reach a server that listens on loopback, as the course's servers do.\n"
            "Use the socket, which needs no network:  course sandbox run --network socket …"
        )
    # /slots would show the agent's code what others ask the same server.
    return Server(profile, url=False, quiet=True, slots=False, socket=network == "socket")
