"""python -m tests.chaos.quiet LEDGER SECONDS: the command of a hold, in which nothing may run."""

import sys
import time

from .ledger import QUIET, QUIET_ENDS, Execution, Writer


def main() -> None:
    address, seconds = sys.argv[1:]
    writer = Writer(address)
    writer.write(Execution(QUIET, 0, 0, "hold"))
    time.sleep(float(seconds))
    writer.write(Execution(QUIET_ENDS, 0, 0, "hold"))


if __name__ == "__main__":
    main()
