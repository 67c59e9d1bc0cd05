"""Lets the tests import the agent and what it vendors, wherever they are started."""

import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT / "src"), str(PROJECT / "vendor")]
