"""Toolbar and menu: they run algorithms by id and compute nothing."""
