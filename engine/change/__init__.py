"""What changed in pixels between scenes that lie on each other."""
