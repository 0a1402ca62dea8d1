"""The words that stand in published fields. No imports here: QGIS reads them when it starts."""

# Kinds of zones.
KINDS = ("pier", "yard", "track", "berth", "water", "area")

# What became of an object between two epochs.
APPEARED, DISAPPEARED, MOVED, STAYED, NOT_OBSERVABLE = "appeared", "disappeared", "moved", "stayed", "not observable"

# Quality layers that come with scenes.
SCL, QA_PIXEL = QUALITY_KINDS = ("SCL", "QA_PIXEL")

# What rason:visibility reads off the picture.
CLOUD, SHADOW, HAZE, GLINT = PICTURE_CAUSES = ("cloud", "cloud_shadow", "haze", "glint")

# Places that rason:simulatescene draws (simulate/sites.py).
PLACES = ("port", "container yard", "rail yard", "berth", "roadstead")
