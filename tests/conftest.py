"""What tests share: one llama-server, and a cache apart for those that start others."""

import pytest

from course.model import embedded
from course.server import Server
from support import nbplugin


@pytest.fixture(scope="session")
def server(pytestconfig):
    """The session's one server, the one that notebooks get: SERVER's, or an embedded one."""
    url = nbplugin.given(pytestconfig)["SERVER"]
    started = pytestconfig.stash.get(nbplugin.shared, None)
    return started or Server(url=url, quiet=True).start()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache: registry and logs of one test, apart from those of the user."""
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def base():
    """The unchanged small model out of its wheel: starts fast, says little of use."""
    return embedded.base_path()


@pytest.fixture(scope="session")
def hybrid_model(tmp_path_factory):
    """A random model of Qwen3.6's architecture: it has recurrent state, and cannot go back to an earlier token."""
    from course.model.tiny import hybrid

    return hybrid(tmp_path_factory.mktemp("model") / "hybrid.gguf")
