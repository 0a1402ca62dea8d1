"""What Rason adds to a map: reference layers, their fields and styles."""
