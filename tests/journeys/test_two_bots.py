"""Two bots, each with a Slack app of its own, in one process."""

from __future__ import annotations

import pytest

from tests.journeys.office import Office
from tests.journeys.places.slack import SlackThread


@pytest.fixture(params=["slack-sqlite", "slack-redis"])
def where(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_two_apps_in_one_process_answer_for_themselves(office: Office) -> None:
    second = office.slack.install("helper")
    room = office.slack.channel("lab", office.slack.person("alice"), office.slack.app, second)
    alice, other = office.slack.person("alice").id, office.root / "other"
    other.mkdir()
    office.write_config()
    environment = (
        office.config.read_text(encoding="utf-8").partition("[bots.main.environment]\n")[2].partition("\n\n")[0]
    )
    office.options |= {
        "bots.second": f'workdir = "{other}"',
        "bots.second.environment": environment,
        "bots.second.access": f'allow_users = ["{alice}"]',
        "bots.second.slack": f'bot_token = "{second.bot_token}"\napp_token = "{second.app_token}"\n'
        f'api_url = "{office.slack.url}"\nstatus = "off"',
    }
    async with office.running():
        await office.slack.connected(app=second)
        first_thread = await office.slack.say(
            "alice", room, f'{office.slack.app.mention} !tool Bash {{"command": "pwd"}}\n!result'
        )
        second_thread = await office.slack.say(
            "alice", room, f'{second.mention} !tool Bash {{"command": "pwd"}}\n!result'
        )
        one, two = SlackThread(office.slack, first_thread), SlackThread(office.slack, second_thread)
        first = await office.until_shown(one, "The tool answered")
        answer = await office.until_shown(two, "The tool answered")
        assert {shown.post.app for shown in one.posts()} == {office.slack.app}
        assert {shown.post.app for shown in two.posts()} == {second}
        assert str(office.workdir) in first.shown
        assert str(other) in answer.shown
