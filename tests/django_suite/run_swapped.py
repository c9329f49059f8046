"""Runs Django's runtests.py (first argument) with the swap in place; the rest are its arguments."""

import os
import runpy
import sys
from pathlib import Path

script = sys.argv[1]
sys.argv = sys.argv[1:]
sys.path[0] = str(Path(script).parent)
if os.environ.get("SWAP_COUNTER"):
    from tests.django_suite.swap import install

    install(os.environ["SWAP_COUNTER"])
runpy.run_path(script, run_name="__main__")
