"""The rows of the table of routes that administrators use."""

from __future__ import annotations

from adapters.http.admin import keys
from adapters.http.admin.audit import AuditPage, AuditQuery, audit
from adapters.http.admin.bodies import Key, KeyChange, KeyPage, MadeKey, NewKey, Rotation
from adapters.http.endpoint import Endpoint
from adapters.http.usage import AllUsageQuery, OwnUsageQuery, UsageAnswer, all_usage, own_usage

_KEYS, _KEY = "/admin/api-keys", "/admin/api-keys/{id}"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("POST", _KEYS, keys.create, "Make a key", body=NewKey, answer=MadeKey, admin=True),
    Endpoint("GET", _KEYS, keys.page, "All keys", query=keys.KeyQuery, answer=KeyPage, admin=True),
    Endpoint("GET", _KEY, keys.show, "One key", answer=Key, admin=True),
    Endpoint("PUT", _KEY, keys.change, "Change, suspend or activate it", body=KeyChange, answer=MadeKey, admin=True),
    Endpoint("DELETE", _KEY, keys.delete, "Remove it", admin=True),
    Endpoint("POST", f"{_KEY}/rotate", keys.rotate, "A new token for it", body=Rotation, answer=MadeKey, admin=True),
    Endpoint("GET", "/admin/audit", audit, "Who did what", query=AuditQuery, answer=AuditPage, admin=True),
    Endpoint(
        "GET", "/admin/usage", all_usage, "What all keys used", query=AllUsageQuery, answer=UsageAnswer, admin=True
    ),
    Endpoint("GET", "/api/usage", own_usage, "What this key used", query=OwnUsageQuery, answer=UsageAnswer),
)
