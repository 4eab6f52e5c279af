"""botkit's own API: the small one for scripts."""

from __future__ import annotations

from adapters.http.api.scripts import Reply, Said, chat, chat_async, chat_stream, forget, history, task
from adapters.http.endpoint import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("POST", "/chat", chat, "Say something, get the answer", "chat", Said, Reply, counts="run"),
    Endpoint("POST", "/chat/stream", chat_stream, "The same, streamed", "chat", Said, counts="run"),
    Endpoint("POST", "/chat/async", chat_async, "The same, to be asked for later", "chat", Said, counts="run"),
    Endpoint("GET", "/task/{id}", task, "What became of an async one", "chat"),
    Endpoint("GET", "/session/{id}/history", history, "What was said in a user's session", "chat"),
    Endpoint("DELETE", "/session/{id}", forget, "Forget a user's session wholly", "chat"),
    Endpoint("POST", "/api/chat", chat, "The same as /chat", "chat", Said, Reply, counts="run"),
)
