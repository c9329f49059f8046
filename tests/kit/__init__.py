"""What starts servers, sites and their processes: for the tests, the drill and the benchmarks.

Nothing here imports pytest, or anything of the tests.
"""
