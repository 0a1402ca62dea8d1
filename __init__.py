"""Rason: tally objects in imagery of the Rason special economic zone, and compare epochs."""


def classFactory(iface):
    """Called by QGIS to load the plugin."""
    from .plugin import RasonPlugin

    return RasonPlugin(iface)
