"""Deployments besides `make hub`: their files are valid, pinned, and agree with the course and with one another.

What needs more than these files (repo2docker, the devcontainer CLI, TLJH, helm) is checked by workshop/check.py.
"""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from course import ROOT
from course.model import profiles, wheel
from support import skips
from workshop import prepare, roster
from workshop.hub.state import State

KUBERNETES = ROOT / "workshop" / "kubernetes"
MANIFESTS = sorted(path for path in KUBERNETES.glob("*.yaml") if path.name != "values.yaml")
VERSIONS = ("1.32", "1.37")
"""The oldest Kubernetes that the chart's next version runs on, and the newest."""
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
VERSION = PROJECT["project"]["version"]
IMAGE = f"registry.example.org/agents-on-the-wire:{VERSION}"
VALUES = yaml.safe_load((KUBERNETES / "values.yaml").read_text(encoding="utf-8"))


def documents(path):
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def named(file, kind, name=None):
    """The manifest of this kind (and name) in a file."""
    (found,) = [
        each
        for each in documents(KUBERNETES / file)
        if each["kind"] == kind and name in (None, each["metadata"]["name"])
    ]
    return found


def devcontainer():
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    return json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))


def server(file):
    """The container of llama-server in a file."""
    (container,) = named(file, "StatefulSet")["spec"]["template"]["spec"]["containers"]
    return container


def embedded_words():
    command = server("model-embedded.yaml")["command"][-1]
    return command[command.index("course.model.wheel") :].split()[1:]


# ---- Kubernetes


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_manifests_are_valid_to_kubernetes_own_schemas(path, version):
    validate = kubernetes_validate()
    for document in documents(path):
        validate(document, version, strict=True)


def test_a_misspelled_field_is_not_valid():
    """The schemas are strict: without that, the test above would accept nearly everything."""
    document = named("model-embedded.yaml", "StatefulSet")
    document["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(Exception, match="readynessProbe"):
        kubernetes_validate()(document, VERSIONS[-1], strict=True)


def kubernetes_validate():
    try:
        from kubernetes_validate import validate
    except ImportError:
        skips.missing("kubernetes-validate", f"{sys.executable} -m pip install kubernetes-validate==1.37.0")
    return validate


@pytest.mark.parametrize("path", [*MANIFESTS, KUBERNETES / "values.yaml"], ids=lambda path: path.name)
def test_every_image_has_a_version(path):
    images = re.findall(r"^\s*(?:- )?image: (\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    loose = [image for image in images if not re.search(r":[\w.-]*\d[\w.-]*$", image)]
    assert not loose, f"without a version: {loose}"


def test_the_courses_image_has_the_courses_version_everywhere():
    image = VALUES["singleuser"]["image"]
    assert f"{image['name']}:{image['tag']}" == IMAGE
    assert server("model-embedded.yaml")["image"] == IMAGE
    assert IMAGE in (KUBERNETES / "README.md").read_text(encoding="utf-8")


def test_the_gpu_image_is_the_build_in_the_courses_wheel():
    (pin,) = [text for text in PROJECT["project"]["dependencies"] if text.startswith("xllamacpp==")]
    build = pin.rpartition(".")[2]
    assert server("model-gpu.yaml")["image"] == f"ghcr.io/ggml-org/llama.cpp:server-cuda-b{build}"


def test_every_python_is_one_that_the_course_runs_on():
    from packaging.specifiers import SpecifierSet

    bounds = SpecifierSet(PROJECT["project"]["requires-python"])
    found = {
        "Dockerfile": re.search(
            r"^FROM python:([\d.]+)", (KUBERNETES / "Dockerfile").read_text(), re.MULTILINE
        )[1],
        "Binder": (ROOT / ".binder" / "runtime.txt").read_text().strip().removeprefix("python-"),
        "devcontainer": re.search(r":\d+-([\d.]+)-\w+$", devcontainer()["image"])[1],
    }
    wrong = {where: version for where, version in found.items() if version not in bounds}
    assert not wrong, f"not within {bounds}: {wrong}"


@pytest.mark.parametrize("flag", ["--alias", "-ngl", "-fa", "-ctk", "--spec-type"])
def test_the_embedded_replica_has_the_profiles_flags(flag):
    words = embedded_words()
    groups = profiles.flag_groups(profiles.load("embedded"), {}, "model.gguf", "template.jinja")
    flags = [word for group in groups for word in group]
    assert words[words.index(flag) + 1] == flags[flags.index(flag) + 1]


def test_each_slot_of_the_embedded_replica_has_the_profiles_context():
    words = embedded_words()
    slots, context = (int(words[words.index(flag) + 1]) for flag in ("-np", "-c"))
    assert context == slots * profiles.load("embedded").context


def test_the_wheel_accepts_the_embedded_replicas_flags(tmp_path, monkeypatch):
    """The real parser, with the files that the image has."""
    monkeypatch.chdir(ROOT)
    (tmp_path / "model.gguf").touch()
    words = [str(tmp_path / "model.gguf") if "*" in word else word for word in embedded_words()]
    settings = wheel.parse(words)
    assert settings["hostnames"] == ["0.0.0.0"]
    assert settings["endpoint_slots"] is False


def test_the_gpu_replica_has_the_profiles_flags_but_those_that_only_a_single_learner_needs():
    profile = profiles.load("qwen3.6-35b-a3b")
    args = server("model-gpu.yaml")["args"]
    missing = [flag for flag in profile.flags if flag not in args]
    assert missing == ["--props"], "POST /props would let a learner change everybody's server"
    assert args[args.index("-m") + 1] == f"/models/{profile.hf_file}"
    assert args[args.index("--alias") + 1] == profile.model_id
    assert int(args[args.index("-c") + 1]) == int(args[args.index("-np") + 1]) * profile.context


@pytest.mark.parametrize("file", ["model-embedded.yaml", "model-gpu.yaml"])
def test_a_replica_is_ready_when_its_model_is_and_runs_without_rights(file):
    container, pod = server(file), named(file, "StatefulSet")["spec"]["template"]["spec"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["path"] == "/health"
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False


@pytest.mark.parametrize("file", ["model-embedded.yaml", "model-gpu.yaml"])
def test_the_balancer_knows_the_replicas_by_the_names_that_they_get(file):
    """StatefulSet + headless service + namespace; as many as `replicas` at least."""
    state, headless = named(file, "StatefulSet"), named(file, "Service")
    assert headless["spec"]["clusterIP"] == "None"
    assert state["spec"]["serviceName"] == headless["metadata"]["name"]
    name, service = state["metadata"]["name"], headless["metadata"]["name"]
    config = named("balancer.yaml", "ConfigMap")["data"]["haproxy.cfg"]
    servers = re.findall(r'^ *server (\S+) "(\S+)"$', config, re.MULTILINE)
    domain = "${NAMESPACE}.svc.cluster.local:8080"
    assert servers == [(f"{name}-{n}", f"{name}-{n}.{service}.{domain}") for n in range(len(servers))]
    assert state["spec"]["replicas"] <= len(servers)


def test_selectors_select_the_pods_that_they_are_for():
    """Services, disruption budgets and network policies name labels; each must be some pod's, or the chart's."""
    pods = [
        document["spec"]["template"]["metadata"]["labels"]
        for path in MANIFESTS
        for document in documents(path)
        if document["kind"] in ("StatefulSet", "Deployment")
    ]
    chart = [{"app": "jupyterhub", "component": "singleuser-server"}]  # KubeSpawner's and the chart's labels
    text = json.dumps(
        [document for path in MANIFESTS for document in documents(path)] + [VALUES["singleuser"]]
    )
    asked = [json.loads(found) for found in re.findall(r'"(?:matchLabels|selector)": (\{"app[^{}]*\})', text)]
    assert len(asked) > 10
    lost = [labels for labels in asked if not any(labels.items() <= each.items() for each in pods + chart)]
    assert not lost, f"no pod has {lost}"


def test_a_learners_pod_reaches_the_model_and_not_the_internet():
    policy = VALUES["singleuser"]["networkPolicy"]
    rules = policy["egressAllowRules"]
    assert not any(rules[name] for name in ("nonPrivateIPs", "privateIPs", "cloudMetadataServer")), rules
    (rule,) = policy["egress"]
    service = named("balancer.yaml", "Service")
    assert rule["to"] == [{"podSelector": {"matchLabels": service["spec"]["selector"]}}]
    (port,) = service["spec"]["ports"]
    assert (
        VALUES["singleuser"]["extraEnv"]["SERVER"] == f"http://{service['metadata']['name']}:{port['port']}"
    )
    container = named("balancer.yaml", "Deployment")["spec"]["template"]["spec"]["containers"][0]
    target = next(each for each in container["ports"] if each["name"] == port["targetPort"])
    assert rule["ports"] == [{"port": target["containerPort"], "protocol": "TCP"}]


def test_replicas_reach_nothing():
    spec = named("network.yaml", "NetworkPolicy", "llama")["spec"]
    assert "Egress" in spec["policyTypes"]
    assert "egress" not in spec


def test_the_hub_and_the_replicas_read_the_same_secret():
    (volume,) = VALUES["hub"]["extraVolumes"]
    secrets = {
        each["secret"]["secretName"]
        for file in ("model-embedded.yaml", "model-gpu.yaml")
        for each in named(file, "StatefulSet")["spec"]["template"]["spec"]["volumes"]
        if "secret" in each
    }
    assert secrets == {volume["secret"]["secretName"]}
    assert str(VALUES).count("key-") == 0, "no key belongs into a file of the repository"


def test_the_hub_runs_the_roster_from_where_it_is_mounted():
    (code,) = VALUES["hub"]["extraConfig"].values()
    assert VALUES["hub"]["extraFiles"]["roster"]["mountPath"] in code
    (mount,) = VALUES["hub"]["extraVolumeMounts"]
    assert f"{mount['mountPath']}/{VALUES['hub']['extraVolumes'][0]['secret']['items'][0]['path']}" in code
    ast.parse(code)


# ---- what all learners' servers are told


def test_learners_get_every_variable_that_their_server_reads():
    """In Kubernetes as in what `workshop.prepare` writes for TLJH."""
    read = set(re.findall(r"COURSE_HUB_\w+", prepare.SINGLE.read_text(encoding="utf-8"))) - {"COURSE_HUB_"}
    told = prepare.variables(State(Path("/srv/agents-on-the-wire/build/shared")))
    assert read <= told.keys(), f"not told: {read - told.keys()}"
    given = VALUES["singleuser"]["extraEnv"]
    assert {name: given.get(name) for name in told} == told
    assert given["PROFILE"] in profiles.names()


def test_kubernetes_starts_the_same_program():
    command = [word.replace(str(ROOT), "/srv/agents-on-the-wire") for word in prepare.COMMAND]
    assert VALUES["singleuser"]["cmd"] == command


# ---- Binder and the devcontainer


def test_binders_pins_are_the_hubs():
    hub = (ROOT / "workshop" / "hub" / "requirements.txt").read_text(encoding="utf-8")
    lines = (ROOT / ".binder" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins
    loose = [pin for pin in pins if not re.search(rf"^{re.escape(pin)}\b", hub, re.MULTILINE)]
    assert not loose, f"not the versions of workshop/hub/requirements.txt: {loose}"


@pytest.mark.parametrize("name", ["postBuild", "start"])
def test_binders_scripts_can_be_run(name):
    path = ROOT / ".binder" / name
    assert path.stat().st_mode & 0o111 == 0o111, f"{path} is not executable"
    assert subprocess.run(["bash", "-n", path], check=False).returncode == 0


def test_binder_does_not_leave_out_what_its_scripts_need():
    """repo2docker would take .binder/.dockerignore, and only that."""
    rules = (ROOT / ".binder" / ".dockerignore").read_text(encoding="utf-8").splitlines()
    left_out = {rule for rule in rules if rule and not rule.startswith("#")}
    assert not left_out & {"*", "course", "notebooks", ".binder", "bootstrap.py", "requirements.lock"}


def test_the_devcontainer_runs_targets_of_the_makefile_and_forwards_jupyterlabs_port():
    from course.server import lab

    asked = devcontainer()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    commands = [asked["onCreateCommand"], asked["updateContentCommand"]]
    assert {command.removeprefix("make ") for command in commands} <= targets
    assert asked["forwardPorts"] == [lab.PORT]
    assert re.search(r":\d", asked["image"])


def test_codespaces_address_is_accepted_and_no_other():
    path = ROOT / ".devcontainer" / "jupyter_server_config.json"
    pattern = json.loads(path.read_text(encoding="utf-8"))["ServerApp"]["allow_origin_pat"]
    assert re.match(pattern, "https://fluffy-spoon-abc123-8888.app.github.dev")
    for other in (
        "https://evil.example",
        "https://x-8080.app.github.dev",
        "http://x-8888.app.github.dev",
        "https://x-8888.app.github.dev.evil.example",
    ):
        assert not re.match(pattern, other), other


# ---- the roster


def test_a_roster_grows_and_nobodys_key_changes(tmp_path):
    small = roster.filled({}, 3)
    large = roster.filled(small, 5)
    assert (len(small), len(large)) == (4, 6), "an instructor and the learners"
    assert {name: large[name] for name in small} == small
    assert len(set(large.values())) == 6
    path = tmp_path / "roster.json"
    path.write_text(json.dumps(large))
    assert roster.read(path) == large
    assert roster.keys(large).split() == list(large.values())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cannot be read"),
        ("[]", "not a JSON object"),
        ("{}", "not a JSON object"),
        ('{"Ada": "key-0123456789abcdef"}', "'Ada'"),
        ('{"ada": "short"}', "'ada'"),
        ('{"ada": "key-0123456789,abcdef"}', "'ada'"),
        ('{"ada": "key-0123456789abcdef", "bob": "key-0123456789abcdef"}', "same key"),
    ],
)
def test_a_wrong_roster_is_refused_with_the_next_command(tmp_path, text, said):
    path = tmp_path / "roster.json"
    path.write_text(text)
    with pytest.raises(roster.RosterError, match=said) as raised:
        roster.read(path)
    assert "python3 workshop/roster.py" in str(raised.value)


def test_the_roster_needs_nothing_but_python(tmp_path):
    """The hubs run it without the course: an isolated interpreter, another folder."""
    program = ROOT / "workshop" / "roster.py"
    done = subprocess.run(
        [sys.executable, "-I", program, "2"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) == 3


def test_a_removed_learner_is_told_so(tmp_path):
    path = tmp_path / "roster.json"
    path.write_text(json.dumps(roster.filled({}, 1)))
    with pytest.raises(roster.RosterError, match="not on the roster") as raised:
        roster.key(path, "stranger")
    assert raised.value.jupyterhub_message == str(raised.value)


# ---- TLJH


def test_the_plugin_is_found_by_the_name_that_tljh_looks_for():
    project = tomllib.loads((ROOT / "workshop" / "tljh" / "pyproject.toml").read_text(encoding="utf-8"))
    ((_, module),) = project["project"]["entry-points"]["tljh"].items()
    assert (ROOT / "workshop" / "tljh" / f"{module}.py").is_file()
    assert project["project"]["version"] == VERSION
