"""The server of a folder's pages, asked over a real socket."""

import http.client
import signal
import socket
import subprocess
import sys
import threading
from urllib.parse import urlsplit

import pytest

from inspire_med.serving.folder import FolderServer
from inspire_med.view import main


@pytest.fixture
def folder(tmp_path):
    inside = tmp_path / "run"
    (inside / "view").mkdir(parents=True)
    (inside / "report.html").write_text("<p>report</p>")
    (inside / "view" / "a <b>'\"#?%.html").write_text("<p>odd</p>")
    (inside / "secret.json").write_text("{}")
    (tmp_path / "outside.html").write_text("outside")
    (inside / "link.html").symlink_to(tmp_path / "outside.html")
    (inside / "up").symlink_to(tmp_path)
    (inside / "ring.html").symlink_to(inside / "ring.html")
    return inside


@pytest.fixture
def server(folder):
    with FolderServer(folder, 0) as served:
        thread = threading.Thread(target=served.serve_forever, args=(0.01,))
        thread.start()
        yield served
        served.shutdown()
        thread.join()


def ask(server, path, method="GET", *, cookie=True, **headers):
    held = {"Cookie": f"inspire_med_{server.server_port}={server.token}"} if cookie else {}
    asked = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    asked.request(method, path, headers=held | headers)
    answer = asked.getresponse()
    content = answer.read()
    asked.close()
    return answer, content


def test_the_printed_address_leads_by_a_cookie_to_the_list(server):
    printed = urlsplit(server.url)
    answer, _ = ask(server, f"/?{printed.query}", cookie=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie

    answer, content = ask(server, "/", cookie=False, Cookie=cookie.split(";")[0])

    assert answer.status == 200
    words = content.decode()
    assert 'href="/report.html"' in words
    assert "/view/a%20%3Cb%3E%27%22%23%3F%25.html" in words
    assert "a <b>" not in words
    assert words.count("<li>") == 2


@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", "?token=%ff%C3%A9"])
def test_nothing_without_the_token(server, query):
    answer, content = ask(server, f"/report.html{query}", cookie=False)
    assert answer.status == 403
    assert b"<p>report" not in content
    answer, _ = ask(server, "/", cookie=False, Cookie=f"inspire_med_{server.server_port}=x")
    assert answer.status == 403


def test_a_page_is_sent_as_it_is(server):
    answer, content = ask(server, "/report.html")
    assert (answer.status, content) == (200, b"<p>report</p>")
    answer, content = ask(server, "/view/a%20%3Cb%3E%27%22%23%3F%25.html")
    assert (answer.status, content) == (200, b"<p>odd</p>")
    answer, content = ask(server, "/report.html", "HEAD")
    assert (answer.status, answer.headers["Content-Length"], content) == (200, "13", b"")


@pytest.mark.parametrize(
    "path",
    [
        "/../outside.html",
        "/view/../../outside.html",
        "/%2e%2e/outside.html",
        "/..%2foutside.html",
        "/link.html",
        "/up/outside.html",
        "/ring.html",
        "/secret.json",
        "/view",
        "/report.html%00",
        "/" + "a" * 5000,
    ],
)
def test_no_path_leads_out_or_to_what_is_no_page(server, path):
    answer, content = ask(server, path)
    assert (answer.status, content != b"outside") == (404, True)


def test_an_absolute_path_is_read_below_the_folder(server, folder):
    answer, _ = ask(server, f"//{folder.parent}/outside.html")
    assert answer.status == 404


def test_the_redirect_stays_on_this_host(server):
    answer, _ = ask(server, f"//elsewhere.org/?token={server.token}", cookie=False)
    assert not answer.headers["Location"].startswith("//")


def test_what_is_no_address_is_refused(server):
    assert ask(server, "/report.html", Host="[")[0].status == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_it_is_for_reading_alone(server, method):
    assert ask(server, "/report.html", method)[0].status == 501


@pytest.mark.parametrize("host", ["evil.org", "localhost.evil.org", ""])
def test_another_name_for_this_machine_is_refused(server, host):
    assert ask(server, "/report.html", Host=host)[0].status == 403


@pytest.mark.parametrize("host", ["localhost:9999", "127.0.0.1", "LOCALHOST"])
def test_a_tunnel_may_begin_at_another_port(server, host):
    assert ask(server, "/report.html", Host=host)[0].status == 200


def test_it_listens_on_loopback_alone(server):
    assert server.socket.getsockname()[0] == "127.0.0.1"


def test_a_taken_port_is_one_sentence(folder, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main([str(folder), "--port", str(port)]) == 2
    words = capsys.readouterr().err
    assert words.startswith(f"inspire-med view: --port: cannot listen at 127.0.0.1 port {port} (")
    assert words.count("\n") == 1
    assert main([str(folder), "--port", "70000"]) == 2
    assert "--port: 70000 is no port; give one from 1024 to 65535." in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path, capsys):
    assert main([str(tmp_path / "none")]) == 2
    assert "is no folder" in capsys.readouterr().err


@pytest.mark.slow
def test_ctrl_c_is_how_it_ends(folder):
    command = [sys.executable, "-m", "inspire_med.view", str(folder), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as served:
        assert served.stderr.readline().startswith("http://localhost:")
        assert "ssh -L" in served.stderr.readline()
        served.stderr.readline()
        served.send_signal(signal.SIGINT)
        served.communicate(timeout=30)
    assert served.returncode == 0
