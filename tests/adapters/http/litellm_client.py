"""What a program does that uses LiteLLM with deploy/litellm.yaml; a process of its own, for LiteLLM is heavy."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

litellm: Any = import_module("litellm")  # its types do not follow what it returns


def main() -> None:
    config = yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))
    router = litellm.Router(model_list=config["model_list"])
    for model in ("claude-code", "claude-code-messages"):
        ask = [{"role": "user", "content": "!words 3 50ms"}]
        whole = router.completion(model=model, messages=ask)
        print(model, "whole", whole.choices[0].message.content, whole.usage.completion_tokens > 0)
        parts = [
            part.choices[0].delta.content or "" for part in router.completion(model=model, messages=ask, stream=True)
        ]
        print(model, "stream", "".join(parts), len(parts) > 2)
    try:
        router.completion(model="claude-code", messages=[{"role": "user", "content": "!status 400"}])
    except Exception as problem:
        print("failed", type(problem).__name__, getattr(problem, "status_code", ""))


if __name__ == "__main__":
    main()
