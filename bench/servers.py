"""Several servers on one computer, as in a room where each learner's lesson starts its own:

    python -m bench.servers 3 --threads 1        # three at once, with one thread each

Starts the servers with the embedded model, asks all of them the leopard question at the same moment, and prints how long
each took. Who has not answered after `--limit` seconds is ended.
"""

import argparse
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path

from course.agent import LEOPARD, recorded_run
from course.server import Server
from course.tape import Tape


def asked(server: Server, tape: Path) -> float:
    """Seconds until the server's agent has answered."""
    began = time.monotonic()
    run = recorded_run(server, LEOPARD, Tape(tape), max_steps=4)
    if run.error:
        raise run.error
    return time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("count", type=int, help="number of servers")
    parser.add_argument("--threads", type=int, default=1, help="threads of each server")
    parser.add_argument("--limit", type=float, default=240, help="seconds")
    args = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        ThreadPoolExecutor(args.count) as pool,
        ExitStack() as stack,
    ):
        servers = [
            stack.enter_context(Server("embedded", url=False, quiet=True, threads=args.threads))
            for _ in range(args.count)
        ]
        runs = [pool.submit(asked, one, Path(folder) / f"{n}.tape.jsonl") for n, one in enumerate(servers)]
        done, late = wait(runs, args.limit)
        took = sorted(run.result() for run in done if not run.exception())
        failed = [str(run.exception()) for run in done if run.exception()]
    print(f"{args.count} servers with {args.threads} threads each:", *(f"{s:.1f} s" for s in took))
    print(f"not within {args.limit:.0f} s: {len(late)}; failed: {len(failed)}", *failed, sep="\n")


if __name__ == "__main__":
    main()
