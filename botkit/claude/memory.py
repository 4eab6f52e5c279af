"""Where the CLI keeps what Claude remembers about a project by itself."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path


def folder(environment: Mapping[str, str], workdir: Path) -> Path:
    """The folder of the project a worker in `workdir` works on; it may not be there yet.

    That of the git repository around it, where there is one, as of 2.1.330.
    """
    home = environment.get("CLAUDE_CONFIG_DIR") or str(Path(environment.get("HOME") or Path.home()) / ".claude")
    here = Path(os.path.realpath(workdir))
    project = next((each for each in (here, *here.parents) if (each / ".git").is_dir()), here)
    return Path(home) / "projects" / re.sub(r"[^a-zA-Z0-9]", "-", str(project)) / "memory"
