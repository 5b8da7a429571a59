"""What the tap costs: the same requests directly and through `course tap`, in turn, in one run.

Starts a server that answers immediately, and a tap, each in its own process. Sends `--rounds` requests per case to both
over a persistent connection (a fifth as many if the answer is streamed). Prints medians, the median of the differences and
the ratio. Exits with status 1 if a case costs more than `--most` milliseconds. No model is involved, because its answers
would take a thousand times as long.

    python -m bench.tap
"""

import argparse
import asyncio
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from course.server.registry import free_port

EVENTS, PAUSE = 50, 0.003  # a model that generates some 300 tokens per second
CASES = {  # name: bytes of the request, path
    "a short question": (500, "/whole"),
    "an agent's tenth step, 60 kB": (60_000, "/whole"),
    f"the same, streamed in {EVENTS} events": (60_000, "/stream"),
}
ANSWER = json.dumps(
    {"id": "x", "choices": [{"message": {"role": "assistant", "content": "y" * 1500}}]}
).encode()
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection: answers are ready before they are asked for."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: "
    whole = head + b"application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER)
    while request := await _line(reader):
        length = 0
        while line := (await _line(reader)).lower():
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        await reader.readexactly(length)
        if b"/stream" in request:
            writer.write(head + b"text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            began = time.perf_counter()
            for sent in range(1, EVENTS + 1):
                writer.write(b"%x\r\n%s\r\n" % (len(EVENT), EVENT))
                await writer.drain()
                # By the clock: late wake-ups beside a busy tap would add up here and look like the tap's cost.
                await asyncio.sleep(max(0.0, began + sent * PAUSE - time.perf_counter()))
            writer.write(b"0\r\n\r\n")
        else:
            writer.write(whole)
        await writer.drain()
    writer.close()


async def _line(reader: asyncio.StreamReader) -> bytes:
    return (await reader.readline()).rstrip(b"\r\n")


async def serve(port: int) -> None:
    async with await asyncio.start_server(_answer, "127.0.0.1", port) as server:
        await server.serve_forever()


@contextmanager
def process(port: int, *command: str) -> Iterator[str]:
    """Runs the command until the block ends; gives its address as soon as it listens."""
    running = subprocess.Popen([sys.executable, *command], stderr=subprocess.DEVNULL)
    try:
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait()


def ask(client: httpx.Client, url: str, size: int) -> tuple[float, float]:
    """Milliseconds until the first byte of the body, and until its end."""
    began, first = time.perf_counter(), 0.0
    with client.stream("POST", url, content=b"x" * size) as response:
        for _ in response.iter_raw():
            first = first or time.perf_counter()
    return 1000 * (first - began), 1000 * (time.perf_counter() - began)


def measure(direct: str, tapped: str, rounds: int) -> Iterator[tuple[str, str, list[float], list[float]]]:
    """Case, what was measured, and the milliseconds of each side. The sides take turns, so that load affects both."""
    with httpx.Client(trust_env=False, timeout=60) as client:
        for case, (size, path) in CASES.items():
            sides, times = (direct + path, tapped + path), rounds // 5 if path == "/stream" else rounds
            warm = [tuple(ask(client, url, size) for url in sides) for _ in range(times + 10)][10:]
            if path == "/stream":
                yield case, "first", [d[0] for d, _ in warm], [t[0] for _, t in warm]
            yield case, "all", [d[1] for d, _ in warm], [t[1] for _, t in warm]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=300, help="requests per case (default: 300)")
    parser.add_argument(
        "--most", type=float, default=2.0, help="maximum cost of a request, in milliseconds (default: 2)"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve(given.serve))
    results = []
    with tempfile.TemporaryDirectory() as folder:
        tape, port, tap_port = Path(folder) / "t.tape.jsonl", free_port(), free_port()
        options = ("--upstream", f"http://127.0.0.1:{port}", "--port", str(tap_port), "--tape", str(tape))
        with (
            process(port, "-m", "bench.tap", "--serve", str(port)) as direct,
            process(tap_port, "-m", "course.cli", "tap", *options) as tapped,
        ):
            for case, what, plain, through in measure(direct, tapped, given.rounds):
                a, b = statistics.median(plain), statistics.median(through)
                more = sorted(t - p for p, t in zip(plain, through, strict=True))
                results.append(
                    {
                        "case": case,
                        "until": "the first byte" if what == "first" else "the end",
                        "direct_ms": round(a, 2),
                        "tapped_ms": round(b, 2),
                        "more_ms": round(statistics.median(more), 2),
                        "more_p95_ms": round(more[int(0.95 * len(more))], 2),
                        "ratio": round(b / a, 2),
                    }
                )
    if given.json:
        print(json.dumps(results, indent=1))
    else:
        print(f"{given.rounds} requests each way; milliseconds, medians\n")
        print(f"{'':<42}{'until':<16}{'direct':>8}{'tapped':>8}{'more':>7}{'p95':>7}{'ratio':>7}")
        for r in results:
            print(
                f"{r['case']:<42}{r['until']:<16}{r['direct_ms']:>8.2f}{r['tapped_ms']:>8.2f}"
                f"{r['more_ms']:>7.2f}{r['more_p95_ms']:>7.2f}{r['ratio']:>7.2f}"
            )
    worst = max(r["more_ms"] for r in results)
    if worst > given.most:
        print(f"bench: the tap costs {worst} ms, more than {given.most}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
