"""The page at /docs in a real browser, without a network."""

import re
import subprocess
import tempfile
from pathlib import Path

import pytest

from .installation import Installation

CHROMIUM = Path("/usr/bin/chromium")


@pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no chromium")
def test_a_browser_shows_the_operations_and_events(demo: Installation) -> None:
    """The page is drawn under its own policy, and nothing on it complains."""
    with tempfile.TemporaryDirectory() as profile:
        ran = subprocess.run(
            [
                CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--enable-logging=stderr", f"--user-data-dir={profile}", "--dump-dom",
                "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
                "--virtual-time-budget=15000", f"http://127.0.0.1:{demo.port}/docs",
            ],
            capture_output=True, text=True, timeout=100, check=True,
        )  # fmt: skip
    assert [] == [line for line in ran.stderr.splitlines() if ":CONSOLE" in line]
    tags = re.findall(r'data-tag="([^"]+)"', ran.stdout)
    assert {"endpoints", "events", "event types", "messages"} <= set(tags)
    assert "message.delivered" in re.sub(r"<[^>]*>|\u200b", "", ran.stdout)
