"""`course lab` before anything is started: when a browser is opened, what JupyterLab gets, which notebooks are trusted."""

import json
import os

import nbformat
import pytest
from nbformat.sign import NotebookNotary

from course.server import Server, lab

TOKEN = "s3cret"


@pytest.mark.parametrize(
    ("given", "platform", "root", "opens"),
    [
        ({"DISPLAY": ":0"}, "linux", False, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", False, True),
        ({}, "darwin", False, True),
        ({}, "win32", False, True),
        ({"DISPLAY": ":0", "CI": "0"}, "linux", False, True),
        ({}, "linux", False, False),
        ({"DISPLAY": ":0"}, "linux", True, False),
        ({"DISPLAY": ":0", "CI": "true"}, "linux", False, False),
        ({"DISPLAY": "localhost:10.0", "SSH_CONNECTION": "a b"}, "linux", False, False),
        ({"SSH_TTY": "/dev/ttys001"}, "darwin", False, False),
    ],
)
def test_a_browser_is_opened_only_where_the_learner_sits(given, platform, root, opens):
    assert lab.has_browser(given, platform, root) is opens


@pytest.mark.attack(
    "lab", "the token on JupyterLab's command line or in its environment", "only in a private file"
)
def test_the_token_is_in_a_private_file_and_on_no_command_line(tmp_path):
    made = lab.environment(Server("embedded", url=False), tmp_path, TOKEN, {"JUPYTER_TOKEN": "old", "A": "b"})
    file = tmp_path / "token"
    assert file.read_text() == TOKEN
    assert made["JUPYTER_TOKEN_FILE"] == str(file)
    assert "JUPYTER_TOKEN" not in made
    assert TOKEN not in made.values()
    assert made["A"] == "b"
    if os.name == "posix":
        assert file.stat().st_mode & 0o077 == 0


def test_this_runs_settings_come_before_the_users_configuration_folders(tmp_path):
    given = {"JUPYTER_CONFIG_PATH": "/etc/mine"}
    made = lab.environment(Server("embedded", url=False), tmp_path, TOKEN, given)
    assert made["JUPYTER_CONFIG_PATH"].split(os.pathsep) == [str(tmp_path), "/etc/mine"]
    text = (tmp_path / "labconfig" / "default_setting_overrides.json").read_text()
    assert json.loads(text) == lab.QUIET


@pytest.mark.parametrize(("url", "named"), [(False, True), ("http://box:1", True), ("http://box:1", False)])
def test_the_kernels_get_the_profile_unless_the_servers_model_decides(tmp_path, monkeypatch, url, named):
    monkeypatch.delenv("PROFILE", raising=False)
    server = Server("qwen3-4b" if named else None, url=url, api_key="k")
    made = lab.environment(server, tmp_path, TOKEN, {})
    assert made.get("PROFILE") == ("qwen3-4b" if named else None)
    assert (made["SERVER"], made["KEY"]) == (server.url, "k")


def test_the_courses_notebooks_become_trusted_and_others_stay_as_they_are(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    made = {}
    for name in ("00_welcome", "05b_appendix", "mine"):
        output = nbformat.v4.new_output("display_data", {"text/html": f"<b>{name}</b>"})
        cell = nbformat.v4.new_code_cell("1", outputs=[output], id=name)
        made[name] = nbformat.v4.new_notebook(cells=[cell])
        nbformat.write(made[name], tmp_path / f"{name}.ipynb")
    (tmp_path / "01_damaged.ipynb").write_text("{")
    assert lab.trust(tmp_path) == 2
    assert lab.trust(tmp_path) == 0, "it was signed again"
    notary = NotebookNotary()
    assert notary.check_signature(made["00_welcome"])
    assert not notary.check_signature(made["mine"])
    notary.store.close()
