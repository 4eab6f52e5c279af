"""Row D29 with native streams: botkit is killed in the middle of streams, and every answer still stands there once."""

from __future__ import annotations

from pathlib import Path
from random import Random

from adapters.slack.testing import LoopbackSlack
from tests.faults import test_killed
from tests.faults.nemesis import Nemesis
from tests.faults.rig import Rig

KILLS = 6


async def test_d29_no_stream_is_lost_doubled_or_left_broken_when_botkit_is_killed(tmp_path: Path) -> None:
    async with LoopbackSlack(speed=30.0, limits=False) as slack:
        slack.fault("events", "duplicate", times=10**9)
        for name in test_killed.CHANNELS[1:]:
            slack.channel(name, *(slack.person(each) for each in ("alice", "bob")), slack.app)
        rig = Rig(slack, tmp_path, f"sqlite:///{tmp_path / 'botkit.db'}")
        rig.options["bots.main.slack"] = 'stream = "native"'
        try:
            await test_killed.run(rig, Nemesis(rig, Random("streams")), KILLS)
        finally:
            await rig.close()
        posts = [post for channel in slack.directory.channels.values() for post in channel.posts.values()]
        assert any(call.method == "chat.startStream" and call.ok for call in slack.calls)
        assert not [post for post in posts if post.stream is not None], "a stream was left as it was"
