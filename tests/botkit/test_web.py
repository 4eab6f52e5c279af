"""The web server, asked over a real socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from botkit.errors import ConfigError, StoreError
from botkit.web import Web


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(5)) as session:
        yield session


async def hello(request: web.Request) -> web.Response:
    return web.Response(text=f"hello {await request.text()}")


async def test_a_mounted_path_answers_on_the_real_port(http: aiohttp.ClientSession) -> None:
    server = Web("127.0.0.1", 0)
    server.mount("POST", "/main/slack/events", hello)
    async with server:
        assert server.port > 0
        async with http.post(f"{server.url}/main/slack/events", data=b"you") as answer:
            assert (answer.status, await answer.text()) == (200, "hello you")


async def test_a_path_can_be_mounted_and_unmounted_while_the_server_runs(http: aiohttp.ClientSession) -> None:
    async with Web("127.0.0.1", 0) as server:
        server.mount("POST", "/new/events", hello)
        async with http.post(f"{server.url}/new/events") as answer:
            assert answer.status == 200
        server.unmount("/new/")
        async with http.post(f"{server.url}/new/events") as answer:
            assert answer.status == 404


async def test_parts_of_a_path_reach_the_handler(http: aiohttp.ClientSession) -> None:
    async def show(request: web.Request) -> web.Response:
        return web.Response(text=str(dict(request.match_info)))

    async with Web("127.0.0.1", 0) as server:
        server.mount("GET", "/v1/sessions/{id}/turns/{turn}", show)
        async with http.get(f"{server.url}/v1/sessions/a%20b/turns/7") as answer:
            assert await answer.text() == "{'id': 'a b', 'turn': '7'}"
        async with http.get(f"{server.url}/v1/sessions/a/turns/7/more") as answer:
            assert answer.status == 404


async def test_a_wrong_method_is_told_the_right_one(http: aiohttp.ClientSession) -> None:
    async with Web("127.0.0.1", 0) as server:
        server.mount("POST", "/events", hello)
        async with http.get(f"{server.url}/events") as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "POST")


async def test_two_adapters_cannot_take_one_path() -> None:
    server = Web("127.0.0.1", 0)
    server.mount("POST", "/main/events", hello)
    with pytest.raises(ConfigError, match="two adapters want POST /main/events"):
        server.mount("post", "/main/events", hello)


async def test_the_process_is_alive_and_not_ready_until_every_part_is(http: aiohttp.ClientSession) -> None:
    connected = False

    async def adapter() -> bool:
        return connected

    async def store() -> bool:
        return True

    async with Web("127.0.0.1", 0) as server:
        server.check("main/slack", adapter)
        server.check("store", store)
        async with http.get(f"{server.url}/healthz") as answer:
            assert answer.status == 200
        async with http.get(f"{server.url}/readyz") as answer:
            assert answer.status == 503
            assert await answer.json() == {"ready": False, "checks": {"main/slack": False, "store": True}}
        connected = True
        async with http.get(f"{server.url}/readyz") as answer:
            assert answer.status == 200


async def test_a_store_that_fails_makes_botkit_not_ready(http: aiohttp.ClientSession) -> None:
    async def store() -> bool:
        raise StoreError("connection refused")

    async with Web("127.0.0.1", 0) as server:
        server.check("store", store)
        async with http.get(f"{server.url}/readyz") as answer:
            assert (answer.status, (await answer.json())["checks"]) == (503, {"store": False})


async def test_a_body_that_is_too_large_is_refused(http: aiohttp.ClientSession) -> None:
    server = Web("127.0.0.1", 0, max_body=1000)
    server.mount("POST", "/events", hello)
    async with server, http.post(f"{server.url}/events", data=b"x" * 1001) as answer:
        assert answer.status == 413


async def test_a_handler_that_takes_too_long_is_ended(http: aiohttp.ClientSession) -> None:
    ended = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return web.Response()

    server = Web("127.0.0.1", 0)
    server.mount("POST", "/events", hang, seconds=0.05)
    async with server, http.post(f"{server.url}/events") as answer:
        assert (answer.status, ended.is_set()) == (504, True)


async def test_a_message_that_was_not_stored_is_not_acknowledged(http: aiohttp.ClientSession) -> None:
    async def fail(_: web.Request) -> web.Response:
        raise StoreError("the store did not answer")

    server = Web("127.0.0.1", 0)
    server.mount("POST", "/events", fail)
    async with server, http.post(f"{server.url}/events") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")


async def test_a_port_that_is_in_use_is_named() -> None:
    async with Web("127.0.0.1", 0) as first:
        second = Web("127.0.0.1", first.port)
        with pytest.raises(ConfigError, match=rf"127\.0\.0\.1:{first.port} is in use") as caught:
            await second.__aenter__()
        assert caught.value.key == "http.port"


async def test_a_host_that_does_not_exist_is_named() -> None:
    with pytest.raises(ConfigError, match=r"no-such-host\.invalid is not an address") as caught:
        await Web("no-such-host.invalid", 0).__aenter__()
    assert caught.value.key == "http.host"


async def test_an_address_of_another_machine_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        await Web("192.0.2.1", 0).__aenter__()
    assert "192.0.2.1" in caught.value.problem
    assert caught.value.key.startswith("http")


async def test_a_server_that_never_started_can_be_left() -> None:
    await Web("127.0.0.1", 0).__aexit__()


async def test_a_server_for_this_machine_only_refuses_any_other_address() -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.com"):
        with pytest.raises(ConfigError, match="only this machine"):
            Web(host, 0, loopback_only=True)
    assert Web("::1", 8080, loopback_only=True).url == "http://[::1]:8080"


async def test_the_port_is_free_again_after_leaving() -> None:
    async with Web("127.0.0.1", 0) as first:
        port = first.port
    async with Web("127.0.0.1", port) as second:
        assert second.port == port


async def test_a_connection_that_sends_no_whole_request_is_closed() -> None:
    async with Web("127.0.0.1", 0, idle=0.3) as web, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        dribbling = asyncio.create_task(dribble(writer))
        assert await reader.read() == b""
        await dribbling
        writer.close()


async def test_a_connection_that_was_used_before_is_closed_all_the_same() -> None:
    async with Web("127.0.0.1", 0, idle=0.3) as web, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\n")
        dribbling = asyncio.create_task(dribble(writer))
        assert (await reader.read()).count(b"HTTP/1.1 200") == 1
        await dribbling
        writer.close()


async def test_a_body_that_comes_too_slowly_is_not_waited_for() -> None:
    web = Web("127.0.0.1", 0)
    web.mount("POST", "/events", hello, seconds=0.3)
    async with web, asyncio.timeout(5):
        reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
        writer.write(b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
        dribbling = asyncio.create_task(dribble(writer))
        assert (await reader.readline()).split()[1] == b"504"
        writer.close()
        await dribbling


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux closes such connections")
async def test_a_client_that_takes_nothing_of_its_answer_is_cut_off() -> None:
    server, left = Web("127.0.0.1", 0, idle=1), asyncio.Event()

    async def watched(request: web.Request) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        task.add_done_callback(lambda _: left.set())
        return web.Response(body=b"x" * 20_000_000)

    server.mount("GET", "/big", watched)
    async with server, asyncio.timeout(15):
        _, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1)
        writer.write(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
        await left.wait()
        writer.close()


async def test_only_so_many_connections_are_let_in_and_one_that_goes_makes_room(http: aiohttp.ClientSession) -> None:
    async with Web("127.0.0.1", 0, most=2) as server, asyncio.timeout(10):
        held = [await healthy(server) for _ in range(2)]
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        assert (await reader.read()).startswith(b"HTTP/1.1 503")
        writer.close()
        held.pop().close()
        while True:
            async with http.get(f"{server.url}/healthz") as answer:
                if answer.status == 200:
                    break
        held.pop().close()


async def healthy(server: Web) -> asyncio.StreamWriter:
    """A connection that has been answered once, and stays."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await reader.readline()).split()[1] == b"200"
    return writer


async def dribble(writer: asyncio.StreamWriter) -> None:
    """A header now and then, for ever."""
    while not writer.is_closing():
        writer.write(b"X-Slow: 1\r\n")
        await asyncio.sleep(0.05)
