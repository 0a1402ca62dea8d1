"""Labelled synthetic scenes with known truth, for tests, calibration of shifts and the demo.

A layout (``layout.Layout``: ground, tracks, things) is built by ``port``, ``rail`` and ``ships`` or by hand, and
``render.render`` looks at it with a sun and a sensor. Everything is seeded. Figures won on these scenes are *synthetic*.
"""
