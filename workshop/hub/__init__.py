"""A JupyterHub for one room, on one Linux machine: `make hub`. README.md says what it does and what it does not.

    from workshop.hub.run import running
    from workshop.hub.settings import Settings

    with running(Settings(home=Path("/tmp/hub"), port=8005)) as hub:
        account = hub.learner("ada")

Only `authenticator`, `spawner` and `config` need JupyterHub; they run in its own environment, build/hub.
"""
