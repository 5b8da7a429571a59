"""A small llama-server for one agent: it answers with a script, or lets the agent wait, so that a test can end it.

with serving("I know.\\n<code>\\nfinal_answer(4)\\n</code>") as server:
    ask(server.url)
"""

import http.server
import json
import socketserver
import tempfile
import threading
from contextlib import contextmanager

PATIENCE = 240  # seconds for an agent that starts on a busy computer


@contextmanager
def serving(*said, port=False):
    """The server with its `url`: on a Unix socket, or on a port of the loopback."""
    with tempfile.TemporaryDirectory(prefix="a-") as folder:  # tmp_path is too long for a socket
        path = f"{folder}/llama.sock"
        server = (
            http.server.ThreadingHTTPServer(("127.0.0.1", 0), Llama)
            if port
            else socketserver.ThreadingUnixStreamServer(path, Llama)
        )
        with server:
            server.url = f"http://127.0.0.1:{server.server_port}" if port else f"unix://{path}"
            server.said, server.asked, server.over = list(said), threading.Event(), threading.Event()
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield server
            finally:
                server.over.set()
                server.shutdown()
                thread.join()


class Llama(http.server.BaseHTTPRequestHandler):
    """Answers with the texts in `said` of its server, one for each request, and then with status 500.

    None keeps the client waiting, and `asked` is set.
    """

    server_version = "llama.cpp"
    sys_version = ""

    def version_string(self):
        return "llama.cpp"

    def do_GET(self):
        body = {"data": [{"id": "tiny", "owned_by": "llamacpp"}]} if self.path == "/v1/models" else {}
        self.answer(200, body)

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        if not self.server.said:
            return self.answer(500, {"error": {"message": "no words left\x1b[2J"}})
        if (said := self.server.said.pop(0)) is None:
            self.server.asked.set()
            return self.server.over.wait(PATIENCE)
        message = {"role": "assistant", "content": said}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        name = f"chatcmpl-{len(self.server.said)}"
        return self.answer(
            200,
            {
                "id": name,
                "object": "chat.completion",
                "created": 0,
                "model": "tiny",
                "choices": [choice],
                "usage": usage,
            },
        )

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def address_string(self):
        return "socket"

    def log_message(self, *_):
        pass
