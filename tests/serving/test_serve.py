"""A real server, spoken to as its clients speak."""

import http.client
import json
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from email.parser import BytesParser
from urllib.parse import urlparse

import nibabel
import numpy as np
import pytest

from inspire_med.predict import main as predict
from inspire_med.serve import main
from inspire_med.serving.address import take_address

TOKEN = "0123456789abcdef0123456789abcdef"
BEARER = {"Authorization": f"Bearer {TOKEN}"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def expected(of_pictures, pictures, tmp_path_factory):
    """What `predict` writes of each picture."""
    out = tmp_path_factory.mktemp("out") / "masks"
    words = ["--run", str(of_pictures.model), "--input", str(pictures[0].parent)]
    words += ["--output", str(out), "--precision", "32-true", "--device", "cpu"]
    assert predict(words) == 0
    masks = [(out / path.name).read_bytes() for path in pictures]
    assert len(set(masks)) == len(masks)
    return masks


@pytest.fixture(scope="module")
def expected_volume(of_volumes, channels, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "masks"
    words = ["--run", str(of_volumes.model), "--input", str(channels["t1"])]
    words += ["--output", str(out), "--precision", "32-true", "--device", "cpu"]
    assert predict(words) == 0
    path = out / f"{channels['t1'].parent.name}.nii.gz"
    assert len(np.unique(nibabel.load(path).dataobj)) > 1
    return path.read_bytes()


def send(client, where, **paths):
    files = {name: (path.name, path.read_bytes()) for name, path in paths.items()}
    return client.post(where, files=files)


def test_one_hundred_at_once_are_answered_right_or_told_to_come_again(
    of_pictures, pictures, expected
):
    def ask(number):
        with of_pictures.client() as client:
            return send(client, "/predict", file=pictures[number % 5])

    with ThreadPoolExecutor(100) as pool:
        replies = list(pool.map(ask, range(100)))

    answered = [n for n, reply in enumerate(replies) if reply.status_code == 200]
    assert len(answered) >= 8  # the places that there are
    for number, reply in enumerate(replies):
        if number in answered:
            assert reply.content == expected[number % 5]
        else:
            assert reply.status_code == 503
            assert int(reply.headers["Retry-After"]) >= 1
    assert ask(3).content == expected[3]
    assert of_pictures.left() == []


def test_a_mask_comes_as_png_as_form_or_as_json(of_pictures, pictures, expected):
    with of_pictures.client() as client:
        plain = send(client, "/predict", file=pictures[0])
        image = send(client, "/infer/polyp?output=image", file=pictures[0])
        summary = send(client, "/predict?output=json", file=pictures[0]).json()

    assert plain.headers["content-type"] == "image/png"
    assert plain.content == image.content == expected[0]
    assert summary["shape"] == [30, 41]
    pixels = summary["regions"]["polyp"]
    assert pixels["area_percent"] == pytest.approx(
        100 * pixels["area_pixels"] / (30 * 41), abs=1e-3
    )


@pytest.mark.parametrize("name", ["../../x.png", "/etc/cron.d/x.png", "x\0.png", "..%2f..%2fx.png"])
def test_a_clients_name_of_a_file_is_not_opened(of_pictures, pictures, expected, name):
    with of_pictures.client() as client:
        content = pictures[1].read_bytes()
        reply = client.post("/predict", files={"file": (name, content)})

    assert reply.content == expected[1]
    assert list(of_pictures.temporary.parent.rglob("x*.png")) == []


@pytest.mark.parametrize(
    ("files", "status", "said"),
    [
        ({"file": ("a.txt", b"x")}, 422, "its name must end in .png, .jpg"),
        ({"file": ("a.png", b"no picture")}, 422, "file: not a readable image"),
        ({"file": ("a.png", b"")}, 422, "file: the file is empty"),
        ({"red": ("a.png", b"x")}, 422, "no file is asked for as 'red'"),
        ({"file": ("a.png", b"0" * 2**21)}, 413, "larger than the 1048576 bytes"),
    ],
)
def test_a_wrong_upload_is_told_in_one_sentence_without_paths(of_pictures, files, status, said):
    with of_pictures.client() as client:
        reply = client.post("/predict", files=files)

    assert reply.status_code == status
    assert said in reply.json()["detail"]
    assert "/" not in reply.json()["detail"].replace("multipart/form-data", "")
    assert of_pictures.left() == []


def test_two_files_of_one_name_and_no_form_are_refused(of_pictures):
    with of_pictures.client() as client:
        twice = client.post("/predict", files=[("file", ("a.png", b"x"))] * 2)
        none = client.post("/predict", content=b"x", headers={"content-type": "image/png"})
        empty = client.post("/predict", files={"params": (None, "{}")})

    assert (twice.status_code, none.status_code, empty.status_code) == (422, 415, 422)
    assert "comes twice" in twice.json()["detail"]
    assert "has 0 files" in empty.json()["detail"]


def chunked(server, pieces):
    """Send a form without a length, as a stream."""
    place = urlparse(server.url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    connection.request("POST", "/predict", iter(pieces), kind, encode_chunked=True)
    reply = connection.getresponse()
    content = json.loads(reply.read())
    connection.close()
    return reply.status, content["detail"]


HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'


def test_a_stream_is_stopped_at_the_limit_and_one_without_an_end_refused(of_pictures):
    assert chunked(of_pictures, [HEAD, *[b"0" * 2**18] * 6]) == (
        413,
        "larger than the 1048576 bytes that are taken.",
    )
    assert chunked(of_pictures, [HEAD, b"000"])[1] == "the form was cut off; send it again."
    assert chunked(of_pictures, [b"nonsense"])[0] == 422
    assert of_pictures.left() == []


def test_a_client_that_leaves_in_its_upload_leaves_nothing(of_pictures, pictures, expected):
    place = urlparse(of_pictures.url)
    for _ in range(10):  # more than there are places
        with socket.create_connection((place.hostname, place.port)) as connection:
            connection.sendall(
                b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000\r\n"
                b"Content-Type: multipart/form-data; boundary=b\r\n\r\n" + HEAD + b"0" * 1000
            )
    with of_pictures.client() as client:
        for _ in range(100):
            reply = send(client, "/predict", file=pictures[0])
            if reply.status_code == 200:
                break
            time.sleep(0.1)

    assert reply.content == expected[0]
    assert of_pictures.left() == []


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.com"])
def test_a_page_that_calls_the_server_by_another_name_reads_nothing(of_pictures, host):
    with of_pictures.client() as client:
        assert client.get("/card", headers={"Host": host}).status_code == 400
        assert client.get("/card", headers={"Host": "localhost:1"}).status_code == 200


def test_the_card_and_health_and_info_say_what_there_is(of_pictures):
    with of_pictures.client() as client:
        assert client.get("/health").json() == {"status": "ready"}
        card, info = client.get("/card").json(), client.get("/info/").json()
        assert client.get("/auth/").json() == {"enabled": False}
        assert client.get("/datastore/?output=all").json() == {"objects": {}}
        assert client.get("/docs").status_code == 404

    assert card["channels"] == ["red", "green", "blue"]
    assert str(of_pictures.model) not in json.dumps(card)
    assert info["models"]["polyp"]["labels"] == {"polyp": 1}


def test_files_by_channel_give_predicts_own_file(of_volumes, channels, expected_volume):
    with of_volumes.client(headers=BEARER) as client:
        reply = send(client, "/predict", **channels)

    assert reply.content == expected_volume


def test_a_file_of_all_channels_gives_the_same_mask(
    of_volumes, channels, expected_volume, tmp_path
):
    parts = [nibabel.load(path) for path in channels.values()]
    together = np.stack([np.asarray(part.dataobj) for part in parts], axis=-1)
    nibabel.save(nibabel.Nifti1Image(together, parts[0].affine), tmp_path / "all.nii.gz")
    (tmp_path / "expected.nii.gz").write_bytes(expected_volume)
    with of_volumes.client(headers=BEARER) as client:
        reply = send(client, "/predict", file=tmp_path / "all.nii.gz")
    (tmp_path / "own.nii.gz").write_bytes(reply.content)

    own, other = (nibabel.load(tmp_path / f"{name}.nii.gz") for name in ("own", "expected"))
    assert np.array_equal(own.dataobj, other.dataobj)
    assert np.array_equal(own.affine, other.affine)


def test_a_wrong_or_missing_channel_is_named(of_volumes, channels):
    with of_volumes.client(headers=BEARER) as client:
        wrong = send(client, "/predict", flair=channels["flair"], t3=channels["t1"])
        missing = send(client, "/predict", flair=channels["flair"], t1=channels["t1"])
        beside = client.post("/predict", files={"file": ("a.hdr", b"x")})

    assert "no file is asked for as 't3'; send file, files, flair, t1" in wrong.json()["detail"]
    assert "channel t1ce is missing" in missing.json()["detail"]
    assert {r.status_code for r in (wrong, missing, beside)} == {422}


@pytest.mark.parametrize("elsewhere", ["/etc/hostname", "../secret.raw", "%03d.raw 0 1 1"])
def test_a_header_cannot_make_the_server_read_another_file(of_volumes, elsewhere):
    nrrd = (
        "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 2 2 2\n"
        "space directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\nkinds: domain domain "
        f"domain\nencoding: raw\nendian: little\ndata file: {elsewhere}\n"
    )
    with of_volumes.client(headers=BEARER) as client:
        reply = client.post("/predict", files={"file": ("a.nrrd", nrrd.encode())})

    assert reply.status_code == 422
    assert "file: its voxels stand in" in reply.json()["detail"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": "Bearer é".encode()},
        {"Host": "a/health?"},
    ],
)
def test_nothing_is_told_without_the_token(of_volumes, headers):
    with of_volumes.client(headers=headers) as client:
        replies = [
            *(client.get(path) for path in ("/card", "/info/", "/datastore/", "/session/x")),
            *(client.post(path) for path in ("/predict", "/infer/brats")),
            *(client.put(path) for path in ("/session/", "/datastore/?image=x")),
            client.get("/auth/token/valid"),
        ]
    assert {reply.status_code for reply in replies} <= {401, 400}


def test_slicers_log_in_takes_the_token_as_password(of_volumes):
    with of_volumes.client() as client:
        assert client.get("/auth/").json() == {"enabled": True}
        asked = {"username": "me", "password": "wrong", "grant_type": "password"}
        assert client.post("/auth/token", data=asked).status_code == 401
        given = client.post("/auth/token", data={**asked, "password": TOKEN}).json()
        word = f"{given['token_type']} {given['access_token']}"
        valid = client.get("/auth/token/valid", headers={"Authorization": word})
    assert valid.status_code == 200


def form_of(reply):
    """Parts of a form, as MONAI Label's client takes it apart."""
    head = f"Content-Type: {reply.headers['content-type']}\r\n\r\n".encode()
    parts = BytesParser().parsebytes(head + reply.content).get_payload()
    return {
        part.get_param("name", header="content-disposition"): (
            part.get_filename(),
            part.get_payload(decode=True),
        )
        for part in parts
    }


def test_monai_labels_client_uploads_an_image_and_asks_for_its_mask(
    of_volumes, channels, expected_volume
):
    """The requests of Slicer's plugin: an image by its name, then a mask of that."""
    params = {"params": (None, json.dumps({"client_id": "me"}))}
    files = {name: (str(path), path.read_bytes()) for name, path in channels.items()}
    with of_volumes.client(headers=BEARER) as client:
        kept = client.put("/datastore/?image=a+name", files={**params, **files})
        reply = client.post("/infer/brats?image=a+name", files=params)
        again = client.post("/infer/brats?image=a+name", files=params)
        other = {"params": (None, json.dumps({"client_id": "another"}))}
        not_theirs = client.post("/infer/brats?image=a+name", files=other)
        unknown = client.post("/infer/other?image=a+name", files=params)

    assert kept.json() == {"image": "a name"}
    assert re.match(r"multipart/form-data; boundary=\w+$", reply.headers["content-type"])
    assert form_of(reply)["image"] == ("mask.nii.gz", expected_volume)
    said = json.loads(form_of(reply)["params"][1])
    assert said["label_names"] == ["TC without ET", "WT without TC", "", "ET"]
    assert form_of(again) == form_of(reply)
    assert (not_theirs.status_code, unknown.status_code) == (404, 404)


def test_a_session_keeps_its_image_until_it_is_ended_or_others_come(of_volumes, channels):
    files = {name: (path.name, path.read_bytes()) for name, path in channels.items()}
    with of_volumes.client(headers=BEARER) as client:
        begun = [client.put("/session/", files=files).json()["session_id"] for _ in range(3)]
        assert len(of_volumes.left()) == 2 * 4  # --keep 2
        codes = [client.get(f"/session/{one}").status_code for one in begun]
        reply = client.post(f"/infer/brats?session_id={begun[2]}&output=json")
        for one in begun[1:]:
            assert client.delete(f"/session/{one}").status_code == 200
        ended = client.get(f"/session/{begun[2]}").status_code
        bad = client.put("/datastore/?image=x", files={**files, "params": (None, "[]")})

    assert codes == [404, 200, 200]
    assert reply.status_code == 415  # a form is asked for, if an empty one
    assert (ended, bad.status_code) == (404, 422)
    assert of_volumes.left() == []


def test_it_says_that_others_reach_it(of_volumes):
    assert "is open to other machines" in of_volumes.said


def wrong(capsys, *words):
    assert main([*words]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_a_request_that_cannot_be_served_is_told_before_a_model_is_loaded(
    of_pictures, capsys, tmp_path, monkeypatch
):
    run = ["--run", str(of_pictures.model)]
    port = str(urlparse(of_pictures.url).port)
    (tmp_path / "short").write_text("secret")
    assert "Address already in use" in wrong(capsys, *run, "--port", port)
    assert "give --token_file" in wrong(capsys, *run, "--port", "0", "--host", "0.0.0.0")
    assert "holds no word of 16" in wrong(capsys, *run, "--token_file", str(tmp_path / "short"))
    assert "--host: " in wrong(capsys, *run, "--host", "no.such.host.invalid")
    assert "--port: 70000 is no port" in wrong(capsys, *run, "--port", "70000")
    assert "--queue: 0 makes no sense" in wrong(capsys, *run, "--queue", "0")
    assert "--max_upload: '2' is no size" in wrong(capsys, *run, "--max_upload", "2")
    monkeypatch.setattr("inspire_med.serve.find_spec", lambda name: None)
    assert "pip install 'inspire-med[serve]'" in wrong(capsys, *run)


def test_an_address_is_one_servers_alone():
    with take_address("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ValueError, match=f"cannot listen at 127.0.0.1 port {port}"):
            take_address("127.0.0.1", port)
