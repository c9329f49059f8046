"""A shop in five releases: the first three each need a column more in the table of orders.

Of release 4 every page fails; the workers of release 5 don't even come up.
"""

RELEASE_FILE_VARIABLE = "DRILL_RELEASE_FILE"  # names the file with the number of the release
BACKFILL_VARIABLE = "DRILL_BACKFILL_SECONDS"  # how long each slow migration takes, at least
RELEASE_HEADER = "X-Release"  # of every answer, also of one that failed
FAILS, DOES_NOT_BOOT = 4, 5  # releases
