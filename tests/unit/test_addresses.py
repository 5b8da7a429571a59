"""Addresses of servers: which are valid, and what a person sees of one that has a password or a key in it."""

import pytest

from course.addresses import masked, origin, split
from course.errors import CourseError

SECRET = "hunter2"
HIDDEN = [
    "http://joe:hunter2@127.0.0.1:9300",
    "joe:hunter2@127.0.0.1:9300",
    "hunter2@gpu.example",
    "//joe:hunter2@gpu.example",
    "http:/joe:hunter2@gpu.example",
    "--server=http://joe:hunter2@gpu.example",
    "ftp://joe:hunter2@gpu.example",
    "http://joe:a@hunter2@gpu.example",
    "http://joe:hunter2@[::1",
    *(f"{scheme}joe:a{mark}hunter2@gpu.example" for scheme in ("http://", "") for mark in "/?# :"),
    "http://joe:12/hunter2@gpu.example",
    "http://gpu.example/v1?api_key=hunter2",
    "gpu.example?page=2&apiKey=hunter2",
    "http://joe:a?b@gpu.example?api_key=hunter2",
    "http://gpu.example/#access_token=hunter2",
]
PLAIN = [
    "http://127.0.0.1:8080/v1",
    "localhost:8080",
    "http://[::1]:8080",
    "unix:///run/me@home/llama.sock",
    "https://gpu.example/v1?user=me@example.org",
    "runs/me@home.ipynb",
    "",
]


@pytest.mark.attack(
    "lab",
    "an address with a password or a key: without http://, with / ? # @ in the password, ?api_key=, in an option",
    "masked",
    fell=2,
)
@pytest.mark.parametrize("url", HIDDEN)
def test_what_is_secret_in_an_address_is_masked(url):
    assert SECRET not in masked(url)
    said = ""
    try:
        split(url)
    except CourseError as error:
        said = str(error)
    assert SECRET not in said


def test_the_host_of_a_masked_address_is_still_shown():
    assert (
        masked("http://joe:hun/ter2@gpu.example:1/v1?a=b&key=4")
        == "http://…@gpu.example:1/v1?a=b&key=REDACTED"
    )


@pytest.mark.parametrize("url", PLAIN)
def test_what_is_not_secret_is_shown_as_it_is(url):
    assert masked(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://",
        "http:",
        "http:/x",
        "ftp://x",
        "http://[::1",
        "http://[::1].evil.example",
        "http://x:port",
        "http://x:0",
    ],
)
def test_an_address_that_is_not_valid_is_a_message_with_an_example(url):
    with pytest.raises(CourseError, match=r"is not a valid server address\.\n.*--upstream http://x"):
        split(url, "--upstream http://x")


def test_the_parts_of_a_valid_address():
    assert (split(" localhost:8080/v1 ").hostname, split("[::1]:8080").port) == ("localhost", 8080)
    assert origin("http://joe:hunter2@gpu.example:80/v1?a=1") == "http://gpu.example:80"
