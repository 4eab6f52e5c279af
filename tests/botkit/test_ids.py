from __future__ import annotations

import os
import uuid

from botkit.ids import TOGETHER, new_id, new_uuid


def test_ids_are_hex_digits_that_never_come_twice() -> None:
    ids = [new_id() for _ in range(3 * TOGETHER)]
    assert len(set(ids)) == len(ids)
    assert all(len(id) == 32 and int(id, 16) >= 0 for id in ids)


def test_uuids_are_of_version_4() -> None:
    for _ in range(100):
        id = new_uuid()
        parsed = uuid.UUID(id)
        assert (parsed.version, parsed.variant, str(parsed)) == (4, uuid.RFC_4122, id)


def test_a_fork_does_not_go_on_with_its_parents_ids() -> None:
    new_id()
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.write(write, new_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 32).decode() not in {new_id() for _ in range(TOGETHER)}
