"""Shared by all tests: one process uses one thread, so that `-n 2` fits two cores."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
