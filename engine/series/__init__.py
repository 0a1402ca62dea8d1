"""Many tallies of one zone in order of time: trend, change of level, and looks that stand out."""
