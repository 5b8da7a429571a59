"""Load the plugin that runs notebooks, for every way to call pytest."""

pytest_plugins = ["nbplugin"]
