"""Whether this machine lets root start an engine at all; `.ci/run` asks this before the rest of the folder."""


def test_an_engine_starts_and_answers(engine):
    assert engine.docker("version", "--format", "{{.Server.Version}}").stdout.strip()
