"""Detectors: one file a kind of object. ``REGISTRY`` names them; a new detector is one file and one line here."""
