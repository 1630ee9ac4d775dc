from pathlib import Path

import pytest
from PIL import Image

from inspire_med.detection.annotations import Annotations
from inspire_med.detection.pictures import check_pictures
from inspire_med.errors import InputError

SIZE = (64, 48)  # width, height


def annotations(*names: str, size: tuple[int, int] = SIZE) -> Annotations:
    images = {
        number: {"id": number, "file_name": name, "width": size[0], "height": size[1]}
        for number, name in enumerate(names, start=7)
    }
    return Annotations(Path("a.json"), images, [], {1: "cat"}, panoptic=False)


def write(path: Path, turned: int | None = None) -> Path:
    """Noise, so that half of a file is less than the whole picture."""
    exif = Image.Exif()
    if turned is not None:
        exif[274] = turned
    Image.effect_noise(SIZE, 50).convert("RGB").save(path, exif=exif)
    return path


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.bmp", "a.webp"])
def test_whole_pictures_of_the_said_size_pass(tmp_path, name):
    write(tmp_path / name)
    assert check_pictures(tmp_path, annotations(name)) == []


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.bmp"])
@pytest.mark.parametrize("share", [0.97, 0.5])
def test_truncated_pictures_are_named(tmp_path, name, share):
    path = write(tmp_path / name)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=rf"{name}: not a readable image"):
        check_pictures(tmp_path, annotations(name))


@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_bytes_behind_the_end_are_no_fault(tmp_path, name):
    path = write(tmp_path / name)
    path.write_bytes(path.read_bytes() + b"by another program")
    assert check_pictures(tmp_path, annotations(name)) == []


@pytest.mark.parametrize("tags", [b"garbage", b"II*\x00\xff\xff\xff\xff"])
def test_unreadable_tags_are_passed_over(tmp_path, tags):
    Image.new("RGB", SIZE).save(tmp_path / "a.jpg", exif=b"Exif\x00\x00" + tags)
    assert check_pictures(tmp_path, annotations("a.jpg")) == []


def test_what_is_no_picture_is_named(tmp_path):
    (tmp_path / "a.jpg").write_text("Not found")
    with pytest.raises(InputError, match=r"a.jpg: not a readable image"):
        check_pictures(tmp_path, annotations("a.jpg"))


@pytest.mark.parametrize("size", [(48, 64), (128, 96), (64, 49)])
def test_sizes_swapped_or_doubled_are_named(tmp_path, size):
    write(tmp_path / "a.png")
    width, height = size
    message = rf"a.json: image 7 \(.*a.png\) is {width} x {height} .* and 64 x 48 as stored; mend"
    with pytest.raises(InputError, match=message):
        check_pictures(tmp_path, annotations("a.png", size=size))


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
@pytest.mark.parametrize("tag", [3, 6])
def test_pictures_that_their_tag_turns_are_said(tmp_path, name, tag):
    write(tmp_path / f"b{name}", turned=1)
    write(tmp_path / name, turned=tag)
    (said,) = check_pictures(tmp_path, annotations(f"b{name}", name))
    assert said.startswith(f"a.json: EXIF data turn 1 of 2 pictures ({name} is the first); they ")


def test_sizes_of_the_turned_picture_say_what_to_do(tmp_path):
    write(tmp_path / "a.jpg", turned=6)
    with pytest.raises(InputError, match="its EXIF data turn it, so write it anew without them"):
        check_pictures(tmp_path, annotations("a.jpg", size=(48, 64)))
