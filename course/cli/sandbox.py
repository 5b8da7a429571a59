"""The commands `course sandbox …`. Does: parses arguments, starts a server where none is named, prints the docker command,
runs it. Does not: decide what the container may do (see sandbox.py).

    course sandbox run "How many seconds would it take for a leopard at full speed to run through Pont des Arts?"
"""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from course.errors import CourseError

IMAGE = Annotated[str, typer.Option(help="Name of the image.")]
sandbox = typer.Typer(no_args_is_help=True, help="The agent in a container that nothing gets out of.")


@sandbox.command()
def build(
    image: IMAGE = "agents-on-the-wire/agent",
    base: Annotated[str | None, typer.Option(help="Base image; default: python:3.12-slim.")] = None,
    build_arg: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE, passed on to docker build.")
    ] = None,
) -> None:
    """Build the agent's image; prints the docker command."""
    from course.sandbox import container

    container.build(container.build_command(image, base, build_arg or ()), typer.echo)


@sandbox.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run(
    ctx: typer.Context,
    question: Annotated[str, typer.Argument(help="What to ask; without it, the leopard question.")] = "",
    network: Annotated[str, typer.Option(help="socket, host or gateway.")] = "socket",
    server: Annotated[
        str | None, typer.Option(help="http://… or unix:///….sock; default: $SERVER, else start one.")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="Which model; default: $PROFILE, else embedded.")
    ] = None,
    search: Annotated[str, typer.Option(help="offline, or web (not with the network socket).")] = "offline",
    tape: Annotated[Path | None, typer.Option(help="Write the tape to this file, on this side.")] = None,
    volume: Annotated[str, typer.Option(help="Keep the tape in this named volume.")] = "",
    max_steps: Annotated[int, typer.Option(help="Give up after so many steps.")] = 10,
    memory: Annotated[str, typer.Option(help="As Docker writes sizes.")] = "1g",
    seconds: Annotated[float, typer.Option(help="End the container after so long.")] = 900,
    image: IMAGE = "agents-on-the-wire/agent",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the docker command, run nothing.")
    ] = False,
) -> None:
    """Ask an agent in its container; prints the docker command. Further options go to docker, if they open nothing."""
    import os

    from course import sandbox
    from course.sandbox import container, refusals

    options = list(ctx.args)
    if question.startswith("-"):  # an option for docker that came before the question
        question, options = "", [question, *options]
    refusals.refuse(options)
    url = server or os.environ.get("SERVER")
    limits, name = sandbox.Limits(memory=memory, seconds=seconds), container.fresh_name()
    if not dry_run:
        container.check(image)
    from course.agent import LEOPARD  # seconds: after what refuses

    with _server(url, profile, network, dry_run) as live:
        groups = sandbox.command(
            question or LEOPARD,
            url or live.url,
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
        )
        typer.echo(sandbox.shown(groups), err=True)
        if dry_run:
            return
        with container.record(tape) if tape else nullcontext(sys.stdout) as out:
            status = container.run(groups, name, limits, out=out)
    if why := container.explain(status):
        raise CourseError(why)
    if tape:
        typer.echo(f"tape: {tape}\nLook at it:  course view {tape}")
    raise typer.Exit(status)


def _server(url: str | None, profile: str | None, network: str, dry_run: bool):
    """One of our own where none is named: on a socket if that is how the container will reach it."""
    from course.server import Server
    from course.server.connection import UNIX

    if url:
        return nullcontext()
    if network == "gateway" and sys.platform == "linux":
        raise CourseError(
            "on Linux the gateway does not reach a server that listens on loopback, as the course's do.\n"
            "No network is needed at all:  course sandbox run --network socket …"
        )
    if dry_run:
        shown = Server(profile, url=False)
        shown.url = f"{UNIX}/path/to/llama.sock" if network == "socket" else "http://127.0.0.1:8080"
        return nullcontext(shown)
    socket = {"socket": True} if network == "socket" else {}
    # /slots would show the agent's code what others ask of the same server.
    return Server(profile, url=False, quiet=True, slots=False, **socket)
