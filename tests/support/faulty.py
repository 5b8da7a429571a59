"""A small llama-server on a real port: it answers an agent's two requests, and goes wrong at the moment that a test names.

with Faulty(phase="thinking", fault="killed") as server:
    course("ask", "How?", "--server", server.url)
"""

import json
import socket
import threading
import time
from contextlib import suppress

PATIENCE = 20.0  # seconds, and the most that an endless answer lasts
PHASES = ("start", "prompt", "thinking", "content", "tool", "between")
FAULTS = (
    "killed", "frozen", "slow", "half a body", "endless", "not HTTP", "HTML", "JSON of another shape", "bad chunk",
)  # fmt: skip
THINKING, CONTENT = "I should look it up, slowly and with care. ", "Thought: so.\n<code>\n"
CODE = ('print(web_search("leopard speed"))', 'final_answer("it is 4")')
PAGE = b"<html><body>Welcome to the hotel's network. Please sign in.</body></html>"
SHAPE = b'{"result": "fine", "choices": null}'
JSON = "application/json"
EVENT = b'data: {"choices": [{"index": 0, "delta": {"reasoning_content": "and so on "}, "finish_reason": null}]}\n\n'
JUNK = b"\x16\x03\x01 this is a printer\r\n\r\n"


class Faulty:
    """Answers like llama-server until `phase`, and then does what `fault` says. Without a fault, it is healthy.

    `strike()` is the moment of the phase "tool"; a test calls it from a tool. `sent` counts an endless answer's bytes.
    """

    def __init__(self, phase=None, fault=None, port=0):
        self.phase, self.fault, self.sent, self.asked = phase, fault, 0, 0
        self.over = threading.Event()
        self.connections, self.threads = [], []
        self.struck = phase == "start"
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self._start(self._accept)
        return self

    def __exit__(self, *_):
        self.over.set()
        self.close()
        for thread in self.threads:
            thread.join(PATIENCE)

    def strike(self):
        """From now on everything goes wrong, also what another connection asks."""
        if self.phase == "tool" and not self.struck:
            self.struck = True
            if self.fault == "killed":
                self.close()

    def close(self):
        """As the system does for a process that was killed."""
        for one in (self.listener, *self.connections):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _start(self, work, *given):
        self.threads.append(threading.Thread(target=work, args=given, daemon=True))
        self.threads[-1].start()

    def _accept(self):
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections.append(connection)
                self._start(self._serve, connection)

    def _serve(self, connection):
        with suppress(OSError, ValueError), connection, connection.makefile("rb") as file:
            while line := file.readline():
                path, length = line.split()[1].decode(), 0
                while (header := file.readline().strip()) != b"":
                    name, _, value = header.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                if not self._answer(connection, path, file.read(length)):
                    return

    def _answer(self, connection, path, body):
        """Whether the connection stays."""
        streams = b'"stream":true' in body.replace(b" ", b"")
        answer, cut = self._body(path, streams)
        now = self.struck
        if path.endswith("/completions"):
            self.asked += 1
            first = self.asked == 1 and self.phase in ("prompt", "thinking", "content")
            now = now or first or (self.asked == 2 and self.phase == "between")
            cut = cut if first else 0
        if not now or self.fault is None:
            connection.sendall(head(len(answer), kind(answer)) + answer)
            return True
        return self._fail(connection, answer, cut)

    def _body(self, path, streams):
        """The answer, and where it breaks off in the first phases."""
        if path.endswith("/completions"):
            code = CODE[min(self.asked, len(CODE) - 1)]
            answer = (
                events(self.asked, code) if streams else json.dumps(completion(self.asked, code)).encode()
            )
            at = {"thinking": b"slowly and", "content": b"<code>"}.get(self.phase)
            cut = answer.index(at) if at else 0
            return answer, answer.rindex(b"data:", 0, cut) if streams and at else cut
        if path.endswith("/props"):
            return b'{"build_info": "faulty", "default_generation_settings": {"n_ctx": 8192}}', 0
        if path.endswith("/models"):
            return b'{"object": "list", "data": [{"id": "faulty", "owned_by": "llamacpp"}]}', 0
        return b'{"status": "ok"}', 0

    def _fail(self, connection, answer, cut):
        fault = self.fault
        if fault == "bad chunk":
            connection.sendall(head(None, kind(answer)) + chunk(answer[: cut or 1]) + b"zz\r\n" + JUNK)
        elif cut and fault in ("HTML", "JSON of another shape", "not HTTP"):
            rest = {"HTML": PAGE, "JSON of another shape": SHAPE, "not HTTP": JUNK}[fault]
            connection.sendall(head(cut + len(rest), kind(answer)) + answer[:cut] + rest)
        elif fault == "not HTTP":
            connection.sendall(JUNK)
        elif fault == "HTML":
            connection.sendall(head(len(PAGE), "text/html") + PAGE)
        elif fault == "JSON of another shape":
            connection.sendall(head(len(SHAPE)) + SHAPE)
        elif fault == "endless":
            self._without_end(connection, answer, cut)
        elif fault == "slow":
            connection.sendall(head(len(answer), kind(answer)) + answer[:cut])
            for start in range(cut, len(answer), 40):
                connection.sendall(answer[start : start + 40])
                time.sleep(0.003)
            return True
        else:
            if cut or fault == "half a body":
                connection.sendall(head(len(answer) + 1000, kind(answer)) + answer[: cut or len(answer) // 2])
            if fault == "killed":
                self.close()
            elif fault == "frozen":
                self.struck = True  # /health, too
                self.over.wait(10 * PATIENCE)
        return False

    def _without_end(self, connection, answer, cut):
        connection.sendall(head(None, kind(answer)) + (chunk(answer[:cut]) if cut else b""))
        more = EVENT if kind(answer) != JSON else b" " * len(EVENT)
        piece, until = more * (2**16 // len(more)), time.monotonic() + PATIENCE
        while time.monotonic() < until and not self.over.is_set():
            connection.sendall(chunk(piece))
            self.sent += len(piece)


def kind(answer):
    return "text/event-stream" if answer.startswith(b"data:") else JSON


def events(number, code):
    """The same answer in pieces."""
    whole = completion(number, code)
    message = whole["choices"][0]["message"]
    said = message["content"].partition("<code>")
    deltas = [
        {"role": "assistant", "content": None},
        *({"reasoning_content": f"{word} "} for word in ("I should look it up,", "slowly and", "with care.")),
        *({"content": part} for part in said),
    ]
    made = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    made.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    common = {key: whole[key] for key in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    given = [common | {"choices": [one]} for one in made] + [
        common | {"choices": [], "usage": whole["usage"]}
    ]
    return b"".join(b"data: %s\n\n" % json.dumps(one).encode() for one in given) + b"data: [DONE]\n\n"


def completion(number, code):
    message = {"role": "assistant", "reasoning_content": THINKING, "content": f"{CONTENT}{code}\n</code>"}
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 1,
        "model": "faulty",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 90, "completion_tokens": 20, "total_tokens": 110},
    }


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def head(length, kind=JSON):
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"HTTP/1.1 200 OK\r\nServer: llama.cpp\r\nContent-Type: {kind}\r\n{framing}\r\n\r\n".encode()
