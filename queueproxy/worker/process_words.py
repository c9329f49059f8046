"""What a worker process tells its supervisor: words while it lives, an exit status at its end."""

STATUS_FD_VARIABLE = "QUEUEPROXY_WORKER_STATUS_FD"  # names the end of the pipe that it writes to

SERVING = "serving"  # beside worker ids
STANDBY = "standby"  # as SERVING, of one whose release is not the active one now
RETIRED = "retired"  # of one whose release was active, and has stood by for as long as it was to
LEAVING = "leaving"  # of one that a view keeps from serving: replace it
GOODBYE = "good-bye"  # of one that holds nothing any more

FAILED = 1  # a thread failed: a bug of ours
FORCED = 3  # work was still running after the graceful timeout
CANNOT_START = 4  # the project's code could not be loaded, or the state not used
