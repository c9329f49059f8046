"""Which release of the shop this process runs.

A deploy writes the number into a file. It is read once, at import, as code is: a process goes on
being the release it was started as until it is replaced.
"""

import os
from pathlib import Path

from . import RELEASE_FILE_VARIABLE

RELEASE = int(Path(os.environ[RELEASE_FILE_VARIABLE]).read_text())
