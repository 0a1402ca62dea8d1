"""One scene brought onto another: tie points, the displacement they show, and the pixels moved once."""
