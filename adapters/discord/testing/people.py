"""What people do in Discord: write, edit, delete, type, react, press buttons, choose options, use slash commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adapters.discord.testing.components import SELECTS, find
from adapters.discord.testing.drafts import MAX_TEXT
from adapters.discord.testing.interactions import Interaction
from adapters.discord.testing.site import Site
from adapters.discord.testing.text import Allowed
from adapters.discord.testing.wire import Json, mappings, number, string
from adapters.discord.testing.world import REPLY, App, Attachment, Channel, Person, Post

GivenAttachment = tuple[str, bytes, str]
"""A file to send: name, bytes, media type."""


@dataclass(slots=True, eq=False)
class People:
    """Acts for people. Raises ValueError for what Discord's own client would not let them do."""

    site: Site

    def say(
        self,
        person: Person,
        channel: Channel,
        text: str,
        reply: Post | None = None,
        files: Sequence[GivenAttachment] = (),
        *,
        ping: bool = True,
    ) -> Post:
        self._let_in(person, channel)
        if channel.locked:
            raise ValueError(f"{channel.name} is locked")
        if len(text) > MAX_TEXT:
            raise ValueError(f"people write at most {MAX_TEXT} characters")
        post = Post(channel, self.site.clock.snowflake(), person, text.strip())
        post.nonce = post.id
        post.attachments = [
            Attachment(self.site.clock.snowflake(), name, media_type, data, channel.id)
            for name, data, media_type in files
        ]
        if reply is not None:
            post.kind, post.reply_to = REPLY, reply.id
        return self.site.rooms.add(post, Allowed(replied_user=ping))

    def edit(self, post: Post, text: str) -> None:
        post.text = text.strip()
        self.site.rooms.edit(post, Allowed())

    def unfold(self, post: Post, url: str) -> None:
        """Discord adds a preview a moment later: an update that changes no word and is no edit."""
        post.embeds.append({"type": "link", "url": url, "title": "A page"})
        self.site.rooms.edit(post, Allowed(), silent=True)

    def thread(self, person: Person, channel: Channel, name: str, root: Post | None) -> Channel:
        self._let_in(person, channel)
        if channel.kind != "text" or (root is not None and root.thread is not None):
            raise ValueError("there can be no such thread")
        return self.site.rooms.thread(channel, person, name, root, 1440)

    async def press(self, person: Person, post: Post, wanted: str) -> Interaction:
        """Press the button with that custom id or label."""
        button = self._component(person, post, wanted, menu=False)
        if button.get("style") == 5 or button.get("disabled"):
            raise ValueError(f"{wanted!r} is a link or disabled")
        return await self._touch(person, post, {"custom_id": button["custom_id"], "component_type": 2})

    async def select(self, person: Person, post: Post, wanted: str, values: Sequence[str]) -> Interaction:
        """Choose options, by value or label, in the menu with that custom id or placeholder."""
        menu = self._component(person, post, wanted, menu=True)
        chosen = [_value(menu, value) for value in values]
        least, most = number(menu.get("min_values", 1)), number(menu.get("max_values", 1))
        if menu.get("disabled") or not least <= len(chosen) <= most:
            raise ValueError(f"the menu takes {least} to {most} options")
        data: Json = {"custom_id": menu["custom_id"], "component_type": menu["type"], "values": chosen}
        return await self._touch(person, post, data)

    async def command(
        self, person: Person, channel: Channel, app: App, name: str, options: Mapping[str, str | int | bool]
    ) -> Interaction:
        """Use a slash command; ValueError if the app has not registered it like that."""
        self._let_in(person, channel)
        guild = channel.guild.id if channel.guild else ""
        known = [*app.commands.get(guild, []), *app.commands.get("", [])]
        found = next((one for one in known if one["name"] == name.removeprefix("/")), None)
        if found is None:
            raise ValueError(
                f"no command {name!r}; there are: {', '.join(str(one['name']) for one in known) or 'none'}"
            )
        data: Json = {"id": found["id"], "name": found["name"], "type": 1, "options": _options(found, options)}
        return await self.site.interactions.begin(app, person, channel, "command", data)

    async def submit(self, interaction: Interaction, values: Mapping[str, str]) -> Interaction:
        """Fill in the modal that answered an interaction."""
        if interaction.modal is None:
            raise ValueError("there is no modal")
        rows: list[Json] = []
        for row in mappings(interaction.modal.get("components")):
            fields = mappings(row.get("components")) or mappings([row.get("component")])
            inner: list[Json] = [
                {"type": 4, "custom_id": one["custom_id"], "value": values.get(string(one["custom_id"]), "")}
                for one in fields
            ]
            rows.append({"type": 1, "components": inner})
        data: Json = {"custom_id": interaction.modal["custom_id"], "components": rows}
        who, where = interaction.person, interaction.channel
        return await self.site.interactions.begin(interaction.app, who, where, "modal", data, interaction.post)

    async def _touch(self, person: Person, post: Post, data: Json) -> Interaction:
        if post.app is None:
            raise ValueError("people's messages have no buttons")
        return await self.site.interactions.begin(post.app, person, post.channel, "component", data, post)

    def _component(self, person: Person, post: Post, wanted: str, *, menu: bool) -> Json:
        self._let_in(person, post.channel)
        if post.deleted or post.only_for not in (None, person):
            raise ValueError("there is no such message to press on")
        return find(post.components, wanted, menu=menu)

    def _let_in(self, person: Person, channel: Channel) -> None:
        if not channel.sees(person):
            raise ValueError(f"{person.name} cannot see {channel.name or channel.id}")


def _value(menu: Json, wanted: str) -> str:
    if menu["type"] not in SELECTS or menu["type"] != 3:
        return wanted
    options = mappings(menu.get("options"))
    for option in options:
        if wanted in (option.get("value"), option.get("label")):
            return string(option["value"])
    raise ValueError(f"no option {wanted!r}; there are: {', '.join(string(one.get('label')) for one in options)}")


def _options(command: Json, given: Mapping[str, str | int | bool]) -> list[Json]:
    known = {string(one["name"]): one for one in mappings(command.get("options"))}
    if strange := given.keys() - known.keys():
        raise ValueError(f"the command has no option {', '.join(strange)}")
    missing = [name for name, one in known.items() if one.get("required") and name not in given]
    if missing:
        raise ValueError(f"the command needs {', '.join(missing)}")
    return [{"name": name, "type": known[name]["type"], "value": value} for name, value in given.items()]
