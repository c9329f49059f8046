"""Rows of executions in the project's database: one for each request that is to happen once.

See docs/exactly-once.md. Workers write them (worker/fenced_run.py); the model is in models.py.
"""
