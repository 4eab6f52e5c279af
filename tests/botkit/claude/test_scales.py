"""How much memory the live workers may use."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from botkit.claude.scales import MEGABYTE, TYPICAL, Scales


@pytest.mark.parametrize(("limit", "workers"), [(f"{10 * TYPICAL * MEGABYTE}\n", 5), (f"{4 * TYPICAL * MEGABYTE}", 2)])
async def test_a_container_bounds_the_workers_like_a_smaller_machine(tmp_path: Path, limit: str, workers: int) -> None:
    file = tmp_path / "memory.max"
    file.write_text(limit)
    scales = Scales(0, [file, tmp_path / "missing"])
    assert [scales.bear([], promised) for promised in range(workers + 1)] == [True] * workers + [False]


async def test_without_a_limit_it_is_half_of_the_machine(tmp_path: Path) -> None:
    file = tmp_path / "memory.max"
    file.write_text("max\n")
    half = psutil.virtual_memory().total // 2 // (TYPICAL * MEGABYTE)
    assert Scales(0, [file]).bear([], half - 2)
    assert not Scales(0, [file]).bear([], half + 1)
