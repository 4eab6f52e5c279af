"""Changing a card after a callback, with the token the callback brought.

https://open.feishu.cn/document/ukTMukTMukTM/uMDO1YjLzgTN24yM4UjN
"""

from __future__ import annotations

from adapters.feishu.testing.routes.call import NOTHING, Call, Route
from adapters.feishu.testing.site import CALLBACK_USES
from adapters.feishu.testing.wire import Json, Refusal, compact, names


def _update(call: Call) -> Json:
    """Half an hour, two times, and only after the callback has been answered."""
    token, card = call.text("token"), call.table("card")
    held = call.site.callbacks.get(token)
    if held is None or held.app is not call.app:
        raise Refusal(300090, "The request token is invalid.")
    if held.until < call.site.clock.now() or held.uses >= CALLBACK_USES or held.post.deleted:
        raise Refusal(300090, "The request token has expired.")
    shown = {name: value for name, value in card.items() if name != "open_ids"}
    draft = call.site.contents(call.app).draft("interactive", compact(shown))
    held.uses += 1
    if not held.answered:
        call.violation("used the token before the callback was answered: the change is taken back")
        return NOTHING
    call.site.rooms.change(held.post, draft)
    return NOTHING


ROUTES = (
    Route("interactive.v1.card.update", "POST", "/open-apis/interactive/v1/card/update", _update, names("token card")),
)
