"""`ringback connections samples` and `simulate --sample`: what a provider posts, played at will."""

from tests.cli.conftest import Run


def test_a_sample_is_found_and_played(ringback: Run) -> None:
    """Listed with what it says; posted twice it is accepted, then a duplicate."""
    place = ringback(
        "connections", "create", "--provider", "bandwidth", "--name", "Played",
        "--config", "username=ringback", "--config", "password=not-a-real-password",
        "-o", "json",
    ).json["id"]  # fmt: skip
    listed = ringback("connections", "samples", place).out
    assert "toll-free-verified" in listed
    assert "a message is delivered" in listed
    played = ringback(
        "connections", "simulate", place, "--sample", "toll-free-verified", "--again", "-o", "json"
    ).json
    assert ["accepted", "duplicate"] == [one["outcome"] for one in played["callbacks"]]
    told = ringback("connections", "simulate", place, "--sample", "tollfree-verified", code=5).err
    assert "  /sample: " in told
    assert "toll-free-verified" in told
