"""The proxy that treats connections badly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import pytest

from botkit.testing.proxy import TcpProxy


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while line := await reader.readline():
            writer.write(line)
    except ConnectionError:
        pass
    finally:
        writer.close()


@pytest.fixture
async def proxy() -> AsyncGenerator[TcpProxy]:
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    async with asyncio.timeout(5), server, TcpProxy(server.sockets[0].getsockname()[1]) as proxy:
        yield proxy


async def _open(proxy: TcpProxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"hello\n")
    assert await reader.readline() == b"hello\n"
    return reader, writer


async def test_what_goes_in_comes_out_late_if_so_wished(proxy: TcpProxy) -> None:
    reader, writer = await _open(proxy)
    proxy.delay = 0.1
    began = asyncio.get_running_loop().time()
    writer.write(b"again\n")
    assert await reader.readline() == b"again\n"
    assert asyncio.get_running_loop().time() - began >= 0.2
    writer.close()


async def test_a_cut_is_a_reset_and_the_next_connection_works(proxy: TcpProxy) -> None:
    reader, writer = await _open(proxy)
    assert proxy.cut() == 1
    with pytest.raises(ConnectionError):
        await reader.read()
    writer.close()
    _, another = await _open(proxy)
    another.close()
    assert proxy.connections == 2


async def test_half_closed_the_client_reads_the_end_and_may_still_write(proxy: TcpProxy) -> None:
    reader, writer = await _open(proxy)
    proxy.half_close()
    assert await reader.read() == b""
    writer.write(b"into the void\n")
    await writer.drain()
    writer.close()


async def test_held_nothing_passes_until_resumed(proxy: TcpProxy) -> None:
    reader, writer = await _open(proxy)
    proxy.hold()
    writer.write(b"late\n")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.readline(), 0.1)
    proxy.resume()
    assert await reader.readline() == b"late\n"
    writer.close()


async def test_refusing_a_new_connection_ends_at_once(proxy: TcpProxy) -> None:
    proxy.refusing = True
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    with suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()
