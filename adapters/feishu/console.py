"""What `botkit init feishu` prints: the steps in the developer console, from nothing to a bot that answers."""

from __future__ import annotations

import json

from adapters.feishu.scopes import CALLBACKS, EVENTS, NEEDS

PATH = "/feishu/events"
"""Where Feishu delivers, below the bot's address, when it does so over HTTP."""


def steps(address: str = "") -> str:
    """`address`: where the bot is reached from outside, '' if that is not known."""
    scopes = json.dumps({"scopes": {"tenant": [need.scope for need in NEEDS], "user": []}}, indent=2)
    width = max(len(need.scope) for need in NEEDS)
    why = "\n".join(
        f"     {need.scope:<{width}}  {need.purpose}{'' if need.required else ' (optional)'}" for need in NEEDS
    )
    events = "\n".join(f"     {name:<45}  {purpose}" for name, purpose in EVENTS.items())
    callbacks = "\n".join(f"     {name:<45}  {purpose}" for name, purpose in CALLBACKS.items())
    return f"""Set up a Feishu or Lark bot (Developer Console: https://open.feishu.cn/app or https://open.larksuite.com/app)

1. Create Custom App. Credentials & Basic Info shows App ID and App Secret.
2. Add Features -> Bot.
3. Permissions & Scopes -> Batch import/export scopes -> Import, and paste:

{scopes}

   What each is for:
{why}
   im:message.group_msg is sensitive and needs an administrator's approval; without it people mention the bot in every
   message of a topic.

4. bots.toml:

     [bots.NAME.feishu]
     app_id = "cli_..."
     app_secret = "${{FEISHU_APP_SECRET}}"
     # domain = "lark"                         # larksuite.com; or the address of a private deployment

     [bots.NAME.access]
     allow_users = ["ou_..."]                  # nobody else is answered; the log names strangers by this id

5. Start botkit: `botkit run`. The console saves the next step only while the connection stands.
6. Events & Callbacks -> Event configuration -> Subscription mode: "Receive events through persistent connection".
   Add the events:
{events}
   Callback configuration -> the same mode. Add the callback:
{callbacks}

   Or over HTTP (a public address; the bot's `transport` is "webhook"):
     Encryption Strategy -> Encrypt Key and Verification Token into bots.toml as encrypt_key, verification_token
     Request URL of both events and callbacks: {address or "https://YOUR-HOST/BOT"}{PATH}

7. Version Management & Release -> Create a version, set its availability (who may talk to the bot), Save and publish;
   an administrator approves it. Scopes and events only work once they are published.
8. `botkit doctor` says who the bot is and what is missing. Then write to the bot, or add it to a group and mention it.
"""
