"""Shipped models: chains of Rason's algorithms with an id of their own."""
