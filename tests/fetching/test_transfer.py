import hashlib
import ssl
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError

import pytest
from serving import serving

from inspire_med.errors import InputError
from inspire_med.fetching.transfer import TRIES, fetch, refuse_other_checksum

CONTENT = bytes(range(256)) * 4000
SIZE = len(CONTENT)


@pytest.fixture
def part(tmp_path):
    return tmp_path / "set.zip.part"


def get(served, part, **how):
    fetch(served.url, part, **{"pause_s": 0, "timeout_s": 5} | how)


@pytest.mark.parametrize("size", [None, SIZE])
def test_a_good_server_brings_the_file(part, size):
    seen = []
    with serving(CONTENT) as served:
        get(served, part, size=size, progress=lambda *step: seen.append(step))

    assert part.read_bytes() == CONTENT
    assert served.asked == [None]
    assert seen[-1] == (SIZE, SIZE)


@pytest.mark.parametrize("held", [1, SIZE // 2, SIZE - 1])
def test_what_is_there_is_gone_on_with(part, held):
    part.write_bytes(CONTENT[:held])
    with serving(CONTENT) as served:
        get(served, part)

    assert part.read_bytes() == CONTENT
    assert served.asked == [f"bytes={held}-"]


def test_a_connection_that_closes_early_is_made_again_from_there(part):
    with serving(CONTENT, cut_after=[1000, 1, 70_000]) as served:
        get(served, part)

    assert part.read_bytes() == CONTENT
    assert served.asked == [None, "bytes=1000-", "bytes=1001-", "bytes=71001-"]


def test_a_server_without_ranges_brings_it_all_again(part):
    part.write_bytes(b"something else")
    with serving(CONTENT, ranges=False) as served:
        get(served, part)

    assert part.read_bytes() == CONTENT


def test_what_is_complete_is_not_fetched_again(part):
    part.write_bytes(CONTENT)
    with serving(CONTENT) as served:
        get(served, part, size=SIZE)
        assert served.asked == []
        get(served, part)  # no size is known: the server says that nothing follows

    assert served.asked == [f"bytes={SIZE}-"]
    assert part.read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_no_part_of_it(part):
    part.write_bytes(CONTENT + b"more")
    with serving(CONTENT) as served:
        get(served, part)

    assert part.read_bytes() == CONTENT


def test_more_than_was_published_is_refused_and_removed(part):
    with (
        serving(CONTENT) as served,
        pytest.raises(InputError, match=r"set.zip: is more than its 1,000 bytes; removed"),
    ):
        get(served, part, size=1000)

    assert not part.exists()


def test_errors_that_may_pass_are_tried_again(part):
    with serving(CONTENT, errors=[503, 429, 500]) as served:
        get(served, part)

    assert part.read_bytes() == CONTENT


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_errors_that_will_not_pass_are_said_at_once(part, code):
    with (
        serving(CONTENT, errors=[code]) as served,
        pytest.raises(InputError, match=rf"set.zip: the server answers {code} \(.*; look at"),
    ):
        get(served, part)

    assert len(served.asked) == 1


def test_a_server_that_brings_nothing_is_given_up_and_what_is_there_stays(part):
    with (
        serving(CONTENT, cut_after=[5000] + [0] * 99) as served,
        pytest.raises(InputError, match=r"the transfer fails \(cut off after 5,000 bytes\); give"),
    ):
        get(served, part)

    assert len(served.asked) == 1 + TRIES
    assert part.read_bytes() == CONTENT[:5000]


def test_a_silent_server_is_given_up(part):
    with (
        serving(CONTENT, silent_s=0.3) as served,
        pytest.raises(InputError, match=r"the transfer fails \(timed out\)"),
    ):
        get(served, part, timeout_s=0.02)


def test_a_part_that_begins_elsewhere_is_not_joined(part):
    part.write_bytes(CONTENT[:500])
    with (
        serving(CONTENT, shift=3) as served,
        pytest.raises(InputError, match=r"the server answers with bytes 503-"),
    ):
        get(served, part)

    assert part.read_bytes() == CONTENT[:500]


def test_no_server_is_said(part):
    with serving(CONTENT) as served:
        pass
    with pytest.raises(InputError, match=r"the transfer fails \(.*refused"):
        get(served, part)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here that is always full")
@pytest.mark.parametrize(("size", "needed"), [(SIZE, f"{SIZE:,} bytes; "), (None, "")])
def test_a_full_disk_is_no_fault_of_the_server(part, size, needed):
    part.symlink_to("/dev/full")
    with (
        serving(CONTENT) as served,
        pytest.raises(
            InputError, match=rf": no room for the rest of .* \({needed}[\d,]+ are free\)"
        ),
    ):
        get(served, part, size=size)

    assert len(served.asked) == 1


def test_a_disk_too_small_is_said_before_the_server_is_asked(part, monkeypatch):
    part.write_bytes(CONTENT[:1000])
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=7))
    with serving(CONTENT) as served, pytest.raises(InputError) as caught:
        get(served, part, size=SIZE)

    assert str(caught.value) == (
        f"{part.parent}: no room for the rest of {served.url} ({SIZE - 1000:,} bytes; 7 are free); "
        "make room there, or in your quota, and give the same command again, which goes on from "
        "here."
    )
    assert served.asked == []
    assert part.read_bytes() == CONTENT[:1000]


def test_a_part_that_cannot_be_written_is_no_fault_of_the_server(part):
    part.mkdir()
    with serving(CONTENT) as served, pytest.raises(IsADirectoryError, match=r"set\.zip\.part"):
        get(served, part)

    assert len(served.asked) == 1


def test_a_certificate_that_cannot_be_verified_is_not_tried_again(part, monkeypatch):
    asked = []

    def refuse(request, timeout):
        asked.append(request.full_url)
        raise URLError(ssl.SSLCertVerificationError("unable to get local issuer certificate"))

    monkeypatch.setattr("inspire_med.fetching.transfer.urlopen", refuse)

    with pytest.raises(
        InputError, match=r"certificate cannot be verified; .* save it as .*part, a"
    ):
        fetch("https://x/set.zip", part)
    assert asked == ["https://x/set.zip"]


@pytest.mark.parametrize("algorithm", ["md5", "sha256", "sha384"])
def test_another_file_than_the_published_one_is_removed(part, algorithm):
    part.write_bytes(CONTENT)
    right = f"{algorithm}:{hashlib.new(algorithm, CONTENT).hexdigest()}"
    refuse_other_checksum(part, right, "http://x/set.zip")
    assert part.exists()

    part.write_bytes(CONTENT[:-1] + b"x")
    with pytest.raises(InputError, match=rf"http://x/set.zip: its {algorithm} is .* published"):
        refuse_other_checksum(part, right, "http://x/set.zip")
    assert not part.exists()
