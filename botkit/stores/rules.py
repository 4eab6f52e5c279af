"""What all stores agree on beside the contract."""

from __future__ import annotations

GRACE = 15.0
"""Seconds for which an owner counts as alive once it has taken something: it may not have beaten yet."""
LISTED = 100
"""Most sessions in one list."""
DEADLINE = 2.0
"""Seconds a store on the network or on a disk has to answer."""
SEEN_FOR = 24 * 3600.0
"""Seconds for which Redis recognises a repeat; platforms deliver again for some hours at most."""
SESSION_TTL = 90 * 24 * 3600.0
"""Seconds after its last use for which Redis keeps a session, unless configured."""
