"""The URL in the config names the store, and a wrong one says what was expected without showing the password."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from botkit.errors import ConfigError
from botkit.stores import open_store


async def test_memory_and_relative_and_absolute_files_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url in ("memory://", "sqlite:///state/relative.db", f"sqlite:///{tmp_path}/with%20space.db"):
        async with open_store(url) as store:
            await store.set_mark("x", "y")
            assert await store.mark("x") == "y"
    assert (tmp_path / "state" / "relative.db").exists()
    assert (tmp_path / "with space.db").exists()


async def test_redis_and_valkey_open_through_a_socket_or_a_port(redis_url: str) -> None:
    async with open_store(redis_url) as store:
        assert redis_url in await store.check()
    for scheme in ("redis", "rediss", "valkey", "valkeys"):
        open_store(f"{scheme}://user:secret@localhost:1/3")


@pytest.mark.parametrize("url", ["postgres://u:hunter@host/db", "hunter", "", "redis://:hunter@[host"])
def test_an_unknown_store_says_which_there_are(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_store(url)
    assert "memory://, sqlite://, redis://" in str(caught.value) or "cannot be read" in str(caught.value)
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///", "sqlite://file.db", "sqlite:///:memory:", "sqlite:///a?b=c"]
)
def test_a_file_url_that_names_no_file_says_how_to_write_it(url: str) -> None:
    with pytest.raises(ConfigError, match=r"sqlite:///relative/file\.db or sqlite:////absolute/file\.db"):
        open_store(url)


async def test_without_the_redis_package_it_says_what_to_install() -> None:
    program = """
import sys
sys.modules["redis"] = None
from botkit.errors import ConfigError
from botkit.stores import open_store
open_store("sqlite:///x.db")
try:
    open_store("redis://:hunter@localhost")
except ConfigError as problem:
    print(problem)
"""
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program], timeout=20, check=True, capture_output=True, text=True
    )
    assert "pip install botkit[redis]" in done.stdout
    assert "hunter" not in done.stdout
