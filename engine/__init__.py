"""The numbers of Rason, without QGIS: scenes, detectors, tallies and comparisons.

Nothing in this package imports QGIS or Qt, so ``import rason.engine`` works in any Python that has numpy and GDAL.
"""
