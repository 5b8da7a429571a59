"""Load the plugins that run notebooks and tell of skips, for every way to call pytest."""

pytest_plugins = ["support.sharing", "support.skips", "support.nbplugin"]
