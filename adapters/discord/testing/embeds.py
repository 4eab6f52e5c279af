"""Embeds: the limits behind Discord's "Invalid Form Body".

https://docs.discord.com/developers/resources/message#embed-object-embed-limits
"""

from __future__ import annotations

from collections.abc import Sequence

from adapters.discord.testing.form import Form
from adapters.discord.testing.wire import Json, mapping, mappings, string

MAX_EMBEDS, MAX_TOTAL, MAX_FIELDS = 10, 6000, 25


def check_embeds(form: Form, value: object) -> list[Json]:
    """The embeds of a message, complaints going to the form."""
    embeds = form.items(value, ("embeds",), MAX_EMBEDS)
    for index, embed in enumerate(embeds):
        form.text(embed.get("title"), ("embeds", index, "title"), 256)
        form.text(embed.get("description"), ("embeds", index, "description"), 4096)
        form.text(mapping(embed.get("footer")).get("text"), ("embeds", index, "footer", "text"), 2048)
        form.text(mapping(embed.get("author")).get("name"), ("embeds", index, "author", "name"), 256)
        fields = form.items(embed.get("fields"), ("embeds", index, "fields"), MAX_FIELDS)
        for number, field in enumerate(fields):
            at = ("embeds", index, "fields", number)
            form.text(field.get("name"), (*at, "name"), 256, least=1)
            form.text(field.get("value"), (*at, "value"), 1024, least=1)
        url = embed.get("url")
        if url is not None and not string(url).startswith(("http://", "https://")):
            form.complain(("embeds", index, "url"), "URL_TYPE_INVALID_URL", "Not a well formed URL.")
    if _size(embeds) > MAX_TOTAL:
        form.complain(("embeds",), "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {MAX_TOTAL}")
    return embeds


def _size(embeds: Sequence[Json]) -> int:
    total = 0
    for embed in embeds:
        texts = [embed.get("title"), embed.get("description")]
        texts += [mapping(embed.get("footer")).get("text"), mapping(embed.get("author")).get("name")]
        for field in mappings(embed.get("fields")):
            texts += [field.get("name"), field.get("value")]
        total += sum(len(string(text)) for text in texts)
    return total
