"""Imports structlog without rich, which it loads where it is installed for tracebacks that botkit never prints.

Saves 3 MB in every botkit that runs. Only the command line does this: a program that uses botkit as a library keeps
its own structlog.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import cast

if "structlog" not in sys.modules and "rich" not in sys.modules:
    blocked = cast("dict[str, None]", sys.modules)
    blocked["rich"] = None
    import_module("structlog")
    del sys.modules["rich"]
