"""What people see of a message, and who is notified by it."""

from __future__ import annotations

from adapters.feishu.testing.cards import notified, read
from adapters.feishu.testing.directory import Directory
from adapters.feishu.testing.marks import ats, prose, replace_ats
from adapters.feishu.testing.wire import Json, decoded, mapping, mappings, sequence, string
from adapters.feishu.testing.world import App, Post, Speaker


def shown(directory: Directory, post: Post) -> str:
    """The message as plain text: mentions as names, cards top to bottom, `[image]`, `[file: name]`."""
    if post.card is not None:
        return read(post.card.json, names_for(directory, post.card.app))
    content = mapping(decoded(post.content))
    match post.kind:
        case "text":
            return _named(string(content.get("text")), post.mentions)
        case "post":
            return _rich(content, post.mentions)
        case "image":
            return "[image]"
        case "file":
            resource = directory.resources.get(string(content.get("file_key")))
            return f"[file: {resource.name}]" if resource is not None else "[file]"
        case kind:
            return f"[{kind}]"


def names_for(directory: Directory, app: App) -> dict[str, str]:
    """By every id that means something to an app: the name with @, as a mention shows it."""
    everybody: list[Speaker] = [*directory.people.values(), *directory.apps.values()]
    names = {directory.open_id(app, who): f"@{who.name}" for who in everybody}
    names |= {person.user_id: f"@{person.name}" for person in directory.people.values()}
    return names | {person.union_id: f"@{person.name}" for person in directory.people.values()} | {"all": "@all"}


def pings(directory: Directory, app: App, kind: str, content: Json) -> list[str]:
    """Who is notified by what an app sends, by name; "all" for everybody."""
    match kind:
        case "text":
            found = [who for _, who in ats(string(content.get("text")))]
        case "post":
            found = _in_post(content)
        case "interactive":
            found = notified(content)
        case _:
            found = []
    names = names_for(directory, app)
    return [names[who].removeprefix("@") for who in dict.fromkeys(found) if who in names]


def spans(content: Json) -> list[Json]:
    """The elements of a rich text, whatever its language."""
    bodies = [mapping(body) for body in content.values() if mapping(body).get("content")] or [content]
    return [span for line in sequence(bodies[0].get("content")) for span in mappings(line)]


def _in_post(content: Json) -> list[str]:
    found: list[str] = []
    for span in spans(content):
        if span.get("tag") == "at":
            found.append(string(span.get("user_id")))
        if span.get("tag") == "md":
            found += [who for _, who in ats(prose(string(span.get("text"))))]
    return found


def _rich(content: Json, mentions: list[Speaker]) -> str:
    lines = [string(content.get("title"))]
    for line in sequence(content.get("content")):
        lines.append("".join(_span(span, mentions) for span in mappings(line)))
    return "\n".join(line for line in lines if line)


def _span(span: Json, mentions: list[Speaker]) -> str:
    match span.get("tag"):
        case "at":
            return _named(string(span.get("user_id")), mentions)
        case "img" | "media":
            return f"[{span['tag']}]"
        case "hr":
            return "---"
        case "emotion":
            return f":{string(span.get('emoji_type'))}:"
        case "md":
            return _named(string(span.get("text")), mentions)
        case _:
            return string(span.get("text"))


def _named(text: str, mentions: list[Speaker]) -> str:
    text = text.replace("@_all", "@all")
    # From the last, so that @_user_1 does not eat the beginning of @_user_12.
    for number, who in reversed(list(enumerate(mentions, 1))):
        text = text.replace(f"@_user_{number}", f"@{who.name}")
    return text


def placed(text: str, names: dict[str, Speaker], mentions: list[Speaker]) -> str:
    """An app's text as Feishu keeps it: every `<at>` of somebody known becomes `@_user_n`, with `mentions` grown."""
    keys = {"all": "@_all"}
    for _, who in ats(text):
        if who in names and who not in keys:
            mentions.append(names[who])
            keys[who] = f"@_user_{len(mentions)}"
    return replace_ats(text, keys)
