"""What the queue costs and what it gains, measured beside Django served directly.

``python -m benchmarks --help`` says what can be run; every candidate serves `benchmarks.site`.
"""
