"""Runs many requests of a worker process at once, on one event loop."""
