"""A recorded request to send again, and a server that answers it."""

import json

import httpx

from course.turns import turns
from support.records import entry, reply

BODY = {
    "model": "m",
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Wie groß?"}],
    "temperature": 0.7,
    "chat_template_kwargs": {"enable_thinking": True},
}
SENT = json.dumps(BODY, ensure_ascii=False)  # with blanks, unlike what Python's clients send
HEADERS = {
    "Host": "127.0.0.1:8080",
    "Content-Type": "application/json",
    "Content-Length": str(len(SENT.encode())),
    "Accept-Encoding": "br, zstd",
    "User-Agent": "their/1",
    "X-Trace": "7",
    "Authorization": "REDACTED",
    "Cookie": "REDACTED",
    "Connection": "keep-alive",
}


def recorded(text=SENT, headers=HEADERS, url="http://127.0.0.1:8080/v1/chat/completions", method="POST"):
    """An entry as the tape has it."""
    made = entry(1, [], reply("a", "Before."))
    post = {} if text is None else {"postData": {"mimeType": "application/json", "text": text}}
    named = [{"name": k, "value": v} for k, v in headers.items()]
    made["request"] = {"method": method, "url": url, "headers": named, **post}
    return made


def turn_of(made):
    return turns([made])[0]


class Server:
    """Answers every request with this response, and keeps the requests."""

    def __init__(self, response=None):
        self.response = response or httpx.Response(200, json=reply("b", "After."))
        self.seen = []

    @property
    def transport(self):
        return httpx.MockTransport(self.answer)

    def answer(self, request):
        self.seen.append(request)
        return self.response
