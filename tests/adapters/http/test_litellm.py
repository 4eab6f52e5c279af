"""LiteLLM's proxy stands in front of the gateway with the configuration that deploy/ shows."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import openai
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import TextBlock
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionUserMessageParam

from tests.adapters.http.desk import PATIENCE, Desk

CONFIG = Path(__file__).parents[3] / "deploy" / "litellm.yaml"
MASTER_KEY = "sk-5d1f7a0c94e2b86341ffa9d27c60be38"
START, STOP = 120.0, 30.0
"""Seconds until it listens, for it imports half of PyPI; and until it has ended."""
NOWHERE = "http://127.0.0.1:9"
"""Where its requests to the internet go."""


@dataclass
class Clients:
    """Programs that know LiteLLM, and nothing of botkit."""

    openai: AsyncOpenAI
    anthropic: AsyncAnthropic


@asynccontextmanager
async def litellm(gateway: Desk) -> AsyncGenerator[str]:
    """The proxy's URL; at the end it is told to stop, and has to."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(gateway.root),
        "BOTKIT_URL": gateway.v1,
        "BOTKIT_ROOT_URL": gateway.url,
        "BOTKIT_API_KEY": gateway.token,
        "LITELLM_MASTER_KEY": MASTER_KEY,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "HTTP_PROXY": NOWHERE,
        "HTTPS_PROXY": NOWHERE,
        "NO_PROXY": "127.0.0.1",
        "PYTHONUNBUFFERED": "1",
    }
    program = str(Path(sys.executable).with_name("litellm"))
    arguments = ("--config", str(CONFIG), "--host", "127.0.0.1", "--port", "0", "--telemetry", "False")
    proxy = await asyncio.create_subprocess_exec(
        program, *arguments, cwd=gateway.root, env=environ, stdout=PIPE, stderr=STDOUT
    )
    said: list[str] = []
    try:
        async with asyncio.timeout(START):
            url = await listening(proxy, said)
        rest = asyncio.create_task(drain(proxy, said))
        yield url
        proxy.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP):
            await rest
            assert await proxy.wait() in (0, -signal.SIGTERM), "\n".join(said)
    finally:
        if proxy.returncode is None:
            proxy.kill()
            await proxy.wait()


async def listening(proxy: asyncio.subprocess.Process, said: list[str]) -> str:
    """Where it listens, once it says so."""
    assert proxy.stdout is not None
    async for line in proxy.stdout:
        said.append(line.decode().rstrip())
        if found := re.search(r"running on (http://127\.0\.0\.1:\d+)", said[-1]):
            return found[1]
    raise AssertionError("\n".join(said))


async def drain(proxy: asyncio.subprocess.Process, said: list[str]) -> None:
    assert proxy.stdout is not None
    async for line in proxy.stdout:
        said.append(line.decode().rstrip())


@asynccontextmanager
async def clients(gateway: Desk) -> AsyncGenerator[Clients]:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(litellm(gateway))
        yield Clients(
            await stack.enter_async_context(
                AsyncOpenAI(base_url=f"{url}/v1", api_key=MASTER_KEY, max_retries=0, timeout=PATIENCE)
            ),
            await stack.enter_async_context(
                AsyncAnthropic(base_url=url, api_key=MASTER_KEY, max_retries=0, timeout=PATIENCE)
            ),
        )


def user(text: str) -> list[ChatCompletionUserMessageParam]:
    return [{"role": "user", "content": text}]


async def test_programs_reach_the_bot_through_litellms_proxy(gateway: Desk) -> None:
    models = ("claude-code", "claude-code-messages")
    async with clients(gateway) as through:
        for model in models:
            await answers_openais_clients(through.openai, model)
            await answers_anthropics_clients(through.anthropic, model)
            await goes_on_in_a_session(through.openai, model)
            await is_open_after_a_mistake(through.openai, model)
            await tells_that_a_turn_failed(through.openai, model)
        await lets_nobody_in_without_its_key(through.openai, gateway)
    records = await gateway.records(9 * len(models))
    assert [record.user for record in records if record.status == 502] == ["ann", "ann"], "run again, or by nobody"
    assert len(records) == 9 * len(models)


async def answers_openais_clients(client: AsyncOpenAI, model: str) -> None:
    said = await client.chat.completions.create(model=model, messages=user("!say hello"))
    assert said.choices[0].message.content == "hello"
    assert said.usage is not None
    assert said.usage.completion_tokens > 0
    stream = await client.chat.completions.create(model=model, messages=user("!words 4 100ms"), stream=True)
    pieces = [part for chunk in [chunk async for chunk in stream] if (part := chunk.choices[0].delta.content)]
    assert "".join(pieces) == "word1 word2 word3 word4"
    assert len(pieces) > 1


async def answers_anthropics_clients(client: AsyncAnthropic, model: str) -> None:
    said = await client.messages.create(
        model=model, max_tokens=99, messages=[{"role": "user", "content": "!say hello"}]
    )
    assert [block.text for block in said.content if isinstance(block, TextBlock)] == ["hello"]
    async with client.messages.stream(
        model=model, max_tokens=99, messages=[{"role": "user", "content": "!words 4 100ms"}]
    ) as stream:
        pieces = [text async for text in stream.text_stream]
        whole = await stream.get_final_message()
    assert "".join(pieces) == "word1 word2 word3 word4"
    assert len(pieces) > 1
    assert whole.usage.output_tokens > 0


async def goes_on_in_a_session(client: AsyncOpenAI, model: str) -> None:
    """By the header, or by what only Claude knows."""
    header, body = {"X-Session-Id": model}, {"claude": {"session": model}}
    await client.chat.completions.create(model=model, messages=user("remember the plum"), extra_headers=header)
    said = await client.chat.completions.create(model=model, messages=user("!history"), extra_body=body)
    assert "remember the plum" in (said.choices[0].message.content or "")


async def is_open_after_a_mistake(client: AsyncOpenAI, model: str) -> None:
    with pytest.raises(openai.NotFoundError):
        await client.chat.completions.create(
            model=model, messages=user("hi"), extra_body={"claude": {"project": "nowhere"}}
        )
    await client.chat.completions.create(model=model, messages=user("!say ok"))


async def tells_that_a_turn_failed(client: AsyncOpenAI, model: str) -> None:
    with pytest.raises(openai.APIStatusError) as failed:
        await client.chat.completions.create(model=model, messages=user("!status 400"), user="ann")
    assert failed.value.status_code == 502


async def lets_nobody_in_without_its_key(client: AsyncOpenAI, gateway: Desk) -> None:
    asked = len(gateway.model.requests)
    with pytest.raises(openai.APIStatusError):
        await client.with_options(api_key="sk-guessed").chat.completions.create(
            model="claude-code", messages=user("!say hello")
        )
    assert len(gateway.model.requests) == asked
