"""What every store must do, as tests: run them over your own backend.

Make a class that inherits `StoreContract` in a test file and give it two fixtures: `store`, entered and empty, and
`another_store`, a second connection to the same data (the same object where there can be none). Each test stands on
its own. pytest-asyncio must run in auto mode; `pytest.register_assert_rewrite("botkit.testing")` in your `conftest.py`
makes failures say more. Times are given by the tests, so a store that looks at a clock of its own fails.
"""

from __future__ import annotations

from botkit.testing.store_admission import AdmissionContract
from botkit.testing.store_journal import JournalContract
from botkit.testing.store_keys import KeysContract
from botkit.testing.store_leases import LeasesContract
from botkit.testing.store_meter import LimitsContract, UsageContract
from botkit.testing.store_runs import ActsContract, RunsContract
from botkit.testing.store_sessions import MarksContract, SessionsContract


class StoreContract(
    AdmissionContract,
    JournalContract,
    LeasesContract,
    SessionsContract,
    MarksContract,
    KeysContract,
    LimitsContract,
    UsageContract,
    RunsContract,
    ActsContract,
):
    """All of it."""
