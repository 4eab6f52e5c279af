"""What `botkit init http` says: from a config to the first answer that a program gets. Pure."""

from __future__ import annotations

LOCAL = "http://127.0.0.1:8080"
"""Where botkit listens unless it is told otherwise."""

_STEPS = """\
1. In bots.toml (`botkit init --with http` writes a whole one):

   [gateway]

   [bots.NAME.http]

   [bots.NAME] may need `allowed_tools`: where nobody can be asked, a tool that needs a person's word is denied.

2. botkit check; then botkit run.
3. Make a key for the program. Its token (bk_...) is printed once:

   botkit keys create my-program

4. Ask, with that token as KEY:

   curl {url}/chat -H "Authorization: Bearer $KEY" -d '{{"text": "Hello", "user_id": "ann"}}'

   OpenAI's clients:     base_url {url}/v1, the model is the bot's NAME
   Anthropic's clients:  base_url {url}, the model is the bot's NAME

5. For other machines put a proxy with TLS in front and name it in `gateway.trusted_proxies`."""


def steps(url: str = "") -> str:
    """The steps; `url` is where programs reach botkit, '' for this machine."""
    return _STEPS.format(url=url or LOCAL)
