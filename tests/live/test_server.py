"""A real server: what it answers, how it starts and stops, and what is said when it does not come up."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from course import server
from course.errors import CourseError
from course.server import Server, connection, processes, registry

pytestmark = pytest.mark.timeout(1200)  # a slow machine, with another worker's tests beside these

SMALL = {"context": 256, "chat_template_file": None}


def children():
    return {child.pid for child in psutil.Process().children(recursive=True)}


@pytest.fixture
def start(cache, base):
    """Starts servers with the small base model; afterwards none of them may be left."""
    before, started = children(), []

    def make(**options):
        made = Server("embedded", **{"model": base, "quiet": True, **SMALL, **options})
        started.append(made)
        return made

    yield make
    for made in started:
        made.stop()
    assert children() <= before, "a process is left"
    assert registry.running() == []


def failure(made):
    """The message of a start that fails, after which nothing may be left."""
    before = children()
    with pytest.raises(CourseError) as error:
        made.start()
    assert children() <= before, "a process is left"
    assert made.pid is None
    return str(error.value)


# ---- what it answers


def test_it_is_healthy_and_names_its_model(server):
    assert server.get("/health") == {"status": "ok"}
    assert server.models()["data"][0]["id"] == server.model_id == server.profile.model_id


def test_tokens_are_counted_by_the_server(server):
    assert len(server.tokenize("A leopard runs. A leopard rests.")) > len(server.tokenize("A leopard")) > 0


def test_messages_are_rendered_without_generating(server):
    prompt = server.apply_template([{"role": "user", "content": "How fast is a leopard?"}])
    assert "How fast is a leopard?" in prompt


def test_an_error_of_the_server_is_told_with_its_status(server):
    with pytest.raises(CourseError, match=r"GET /nothing: the server answered 404: .*"):
        server.get("/nothing")


def test_the_response_itself_can_be_had(server):
    assert server.get("/nothing", raise_for=False).status_code == 404


def test_the_untrained_profile_answers_in_its_own_words(cache):
    """The base model out of its wheel, with the chat template that it was published with: nothing opens a <think>."""
    with Server("untrained", quiet=True, url=False) as server:
        rendered = server.apply_template([{"role": "user", "content": "Say hello."}])
        body = {"messages": [{"role": "user", "content": "Say hello."}], **server.profile.sampling}
        answer = server.request("POST", "/v1/chat/completions", body).json()
    assert rendered.endswith("<|im_start|>assistant\n")
    assert answer["model"] == "smollm2-135m-instruct"
    assert answer["choices"][0]["message"]["content"].strip()


def test_attaching_stops_nothing(server):
    with Server(url=server.api_base, api_key=server.api_key, quiet=True) as other:
        assert other.attached
        assert other.profile == server.profile
    assert server.get("/health") == {"status": "ok"}


# ---- how it is started


def test_the_printed_command_is_the_one_that_runs(start, capsys):
    with start(quiet=False, jinja=False) as own:
        printed = capsys.readouterr().out.replace(" \\\n   ", "")
        assert own.command_line in printed
        assert "--no-jinja" in psutil.Process(own.pid).cmdline()
        assert psutil.Process(own.pid).cmdline()[1:] == own.command[1:]


def test_a_prompt_that_fills_the_window_is_refused(start):
    """Lesson 00 counts on it: with one token less the request is accepted, and there is room for one token of answer."""
    with start() as own:
        room = own.props()["default_generation_settings"]["n_ctx"]
        bodies = {size: {"prompt": [100] * size, "n_predict": 1} for size in (room - 1, room)}
        status = {
            size: own.post("/completion", body, raise_for=False).status_code for size, body in bodies.items()
        }
    assert status == {room - 1: 200, room: 400}


def test_the_key_is_wanted_and_nowhere_to_be_seen(start, capsys):
    with start(quiet=False, api_key="s3cret") as own:
        assert own.props()["default_generation_settings"]["n_ctx"] == 256
        seen = (
            f"{capsys.readouterr().out}{own.command_line}{psutil.Process(own.pid).cmdline()}{own.log(1000)}"
        )
        assert "s3cret" not in seen
        with pytest.raises(CourseError, match="requires an API key"):
            Server(url=own.url, quiet=True).start()


@pytest.mark.attack(
    "lab",
    "a web page that asks the llama-server that the course starts",
    "no page of another site may read an answer; pages of this computer may",
    fell=2,
)
def test_web_pages_may_not_read_its_answers(start):
    with start(threads=1) as own, own.client(timeout=30) as client:
        allowed = {
            origin: client.get("/v1/models", headers={"Origin": origin}).headers.get(
                "Access-Control-Allow-Origin"
            )
            for origin in ("http://evil.example", "null", "http://localhost:3000")
        }
    assert allowed == {
        "http://evil.example": None,
        "null": None,
        "http://localhost:3000": "http://localhost:3000",
    }


@pytest.mark.attack(
    "server", "serve on a port where a llama-server runs already", "a message with the next command"
)
def test_a_port_taken_by_a_llama_server_is_named(start):
    with start() as first:
        said = failure(start(port=int(first.url.rpartition(":")[2])))
        assert f"pid {first.pid}" in said
        assert f"is in use by a llama-server ({psutil.Process(first.pid).name()}" in said
        assert "course stop" in said


@pytest.mark.attack("server", "kill -9 of the server while it is used", "reported, with the end of its log")
def test_a_server_that_died_says_so(start):
    own = start().start()
    psutil.Process(own.pid).kill()
    own._process.wait()
    with pytest.raises(CourseError, match=r"the server has ended"):
        own.props()


@pytest.mark.attack("server", "kill -9 of the program that started a server", "course stop finds the server")
def test_a_killed_kernel_leaves_nothing_that_stop_all_does_not_find(cache, base):
    program = (
        "import os; from course.server import Server; "
        f"own = Server('embedded', model={str(base)!r}, quiet=True, context=256).start(); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, env={**os.environ}).returncode == 9
    [left] = server.running()
    assert left.orphan
    assert psutil.pid_exists(left.pid)
    assert [stopped.pid for stopped in server.stop_all()] == [left.pid]
    assert processes.alive(left.pid, left.created) is None


@pytest.mark.skipif(os.name == "nt", reason="not applicable: no Unix sockets in Windows' Python")
def test_it_listens_on_a_socket_and_on_nothing_else(start):
    with start(socket=True) as own:
        path = connection.socket_path(own.url)
        assert own.props()["default_generation_settings"]["n_ctx"] == 256
        listening = [c for c in psutil.Process(own.pid).net_connections() if c.status == psutil.CONN_LISTEN]
        assert listening == []
        with Server(url=own.url, quiet=True) as other:
            assert other.tokenize("leopard") == own.tokenize("leopard")
    assert not os.path.exists(path), "the socket was left behind"


# ---- what is said when it does not come up


def test_a_missing_model_is_named(start, tmp_path):
    assert "nothing.gguf is missing" in failure(start(model=tmp_path / "nothing.gguf"))


@pytest.mark.attack("server", "a GGUF file that is cut off", "a message with the reason")
def test_a_cut_off_model_is_named(start, base, tmp_path):
    part = tmp_path / "part.gguf"
    part.write_bytes(base.read_bytes()[:5_000_000])
    said = failure(start(model=part))
    assert "part.gguf is damaged" in said
    assert "model is corrupted or incomplete" in said, "the log's tail is not shown"


def test_an_unknown_flag_is_named(start):
    assert "does not know the flag --bogus" in failure(start(extra=["--bogus"]))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems promise memory that they do not have")
def test_too_little_memory_is_recognized(start):
    absurd = psutil.virtual_memory().total * 4 // 23040  # bytes per token in this model's cache
    said = failure(start(context=absurd))
    assert said.startswith("there is not enough memory")
    assert "Server(context=8192)" in said


@pytest.mark.attack(
    "server", "a port that another program takes between the check and the start", "the next port"
)
def test_servers_that_start_at_the_same_moment_get_ports_of_their_own(start):
    """Each sees the same port as free. Those that are slower to take it try the next one, and none talks to another's."""
    servers = [start(port=None) for _ in range(2)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda made: made.start(), servers))
    assert len({made.url for made in servers}) == 2
    holders = {made.url: registry.holder(int(made.url.rpartition(":")[2])) for made in servers}
    assert {made.url: made.pid for made in servers} == {url: holder.pid for url, holder in holders.items()}
