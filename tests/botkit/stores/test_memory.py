"""The store that forgets."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from botkit.protocols import Store
from botkit.stores.memory import MemoryStore
from botkit.testing.store_contract import StoreContract


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    async with MemoryStore() as store:
        yield store


@pytest.fixture
async def another_store(store: Store) -> Store:
    return store


class TestMemoryStore(StoreContract):
    pass
