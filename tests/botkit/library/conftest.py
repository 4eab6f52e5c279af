"""The real CLI with a private home and the loopback model, as a program of one's own would find them."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from botkit.testing.model import LoopbackModel


@contextmanager
def model_in_a_thread() -> Generator[LoopbackModel]:
    """The loopback model for tests that have no event loop."""
    loop, model = asyncio.new_event_loop(), LoopbackModel()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(model.__aenter__(), loop).result(5)
        yield model
        asyncio.run_coroutine_threadsafe(model.__aexit__(), loop).result(5)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
async def model() -> AsyncIterator[LoopbackModel]:
    async with LoopbackModel() as model:
        yield model


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    path = tmp_path / "${work}"
    path.mkdir()
    return path


@pytest.fixture
def environ(model: LoopbackModel, tmp_path: Path) -> dict[str, str]:
    return surroundings(model, tmp_path)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[dict[str, str]]:
    """As `environ`, with a model that needs no event loop of the test's."""
    with model_in_a_thread() as model:
        yield surroundings(model, tmp_path)


def surroundings(model: LoopbackModel, root: Path) -> dict[str, str]:
    home = root / "home"
    home.mkdir()
    return {**model.environment(home), "PATH": os.environ["PATH"], "BOTKIT_DRAIN": "not for programs"}
