"""A shop in three releases; each needs a column more in the table of orders."""

RELEASE_FILE_VARIABLE = "DRILL_RELEASE_FILE"  # names the file with the number of the release
BACKFILL_VARIABLE = "DRILL_BACKFILL_SECONDS"  # how long each slow migration takes, at least
