"""Totals from a few cells that a person has looked at: which cells to look at, and what they say of the rest."""
