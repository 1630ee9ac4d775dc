"""Faults of pictures and masks: put into one of six pairs of 48 x 40 pixels."""

import os
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from faults import Fault
from PIL import Image

PICTURE, MASK = "images/disc3.png", "masks/disc3.png"


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def stored(
    change: Callable[[np.ndarray], np.ndarray], name: str = PICTURE, mode: str | None = None
):
    """Store other pixels under the same name."""

    def inject(root: Path) -> None:
        image = Image.fromarray(change(pixels(root / name)))
        image if mode is None else (image := image.convert(mode))
        image.save(root / name)

    return inject


def bytes_of(change: Callable[[bytearray], bytes | None], name: str = PICTURE):
    def inject(root: Path) -> None:
        raw = bytearray((root / name).read_bytes())
        changed = change(raw)
        (root / name).write_bytes(raw if changed is None else changed)

    return inject


def replaced(make: Callable[[Path], object], name: str = PICTURE):
    def inject(root: Path) -> None:
        (root / name).unlink()
        make(root / name)

    return inject


def as_format(
    kind: str, name: str = PICTURE, mode: str = "RGB", suffix: str = ".png", frames: int = 1
):
    """Store a picture in another format, under its name or with another ending."""

    def inject(root: Path) -> None:
        picture = Image.fromarray(pixels(root / name)).convert(mode)
        (root / name).unlink()
        more = [picture.rotate(90 * n) for n in range(1, frames)]
        extra = {"save_all": True, "append_images": more} if more else {}
        picture.save((root / name).with_suffix(suffix), format=kind, **extra)

    return inject


def tagged(name: str, tag: int):
    def inject(root: Path) -> None:
        exif = Image.Exif()
        exif[274] = tag
        Image.fromarray(pixels(root / name)).save(root / name, exif=exif)

    return inject


def header_of(width: int, height: int):
    """A PNG that says its size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(bytes(999))) + chunk(b"IEND", b"")
    return lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def flipped(raw: bytearray) -> None:
    raw[len(raw) // 2] ^= 0x10


def half(raw: bytearray) -> bytes:
    return bytes(raw[: len(raw) // 2])


def in_alpha(mask: np.ndarray) -> np.ndarray:
    return np.dstack([np.full((*mask.shape, 3), 255, np.uint8), mask])


def against_alpha(mask: np.ndarray) -> np.ndarray:
    return np.dstack([mask, mask, mask, np.roll(mask, 9, axis=0)])


def photograph(mask: np.ndarray) -> np.ndarray:
    return np.random.default_rng(1).integers(60, 190, mask.shape).astype(np.uint8)


def coloured(mask: np.ndarray) -> np.ndarray:
    return np.dstack([mask, mask // 2, 0 * mask])


def all_black(root: Path) -> None:
    for path in (root / "masks").iterdir():
        Image.fromarray(np.zeros((48, 40), np.uint8)).save(path)


def nearly_alike(root: Path) -> None:
    frame = pixels(root / "images/disc1.png").copy()
    frame[20:22, 20:22] += 1
    Image.fromarray(frame).save(root / PICTURE)


def other_suffix(root: Path) -> None:
    Image.fromarray(pixels(root / PICTURE)).save((root / PICTURE).with_suffix(".jpg"))


def renamed(name: str):
    def inject(root: Path) -> None:
        for kind in ("images", "masks"):
            (root / kind / "disc3.png").rename(root / kind / name)

    return inject


PICTURES = [
    Fault("picture cut in half", bytes_of(half), "fault", "not a readable image", PICTURE),
    Fault("mask cut in half", bytes_of(half, MASK), "fault", "not a readable image", MASK),
    Fault(
        "a bit flipped in a picture", bytes_of(flipped), "fault", "not a readable image", PICTURE
    ),
    Fault("empty picture", bytes_of(lambda raw: b""), "fault", "the file is empty", PICTURE),
    Fault(
        "a text called png",
        replaced(lambda p: p.write_text("404")),
        "fault",
        "not a readable image",
        PICTURE,
    ),
    Fault(
        "10 billion pixels promised", replaced(header_of(100_000, 100_000)), "fault", "", PICTURE
    ),
    Fault(
        "a picture of no width",
        replaced(header_of(0, 48)),
        "fault",
        "not a readable image",
        PICTURE,
    ),
    Fault("pixels missing", replaced(header_of(40, 48)), "fault", "not a readable image", PICTURE),
    Fault(
        "16 bits a pixel",
        stored(lambda p: p[..., 0].astype(np.uint16) * 257),
        "fault",
        "more than 8 bits",
        PICTURE,
    ),
    Fault(
        "decimal numbers",
        as_format("TIFF", mode="F", suffix=".tif"),
        "fault",
        "more than 8 bits",
        "images/disc3.tif",
    ),
    Fault(
        "a picture turned by its tag", tagged(PICTURE, 6), "fault", "its EXIF data turn", PICTURE
    ),
    Fault("a mask turned by its tag", tagged(MASK, 3), "fault", "its EXIF data turn", MASK),
    Fault(
        "a moving GIF called png",
        as_format("GIF", frames=3),
        "warning",
        "holds 3 pictures",
        PICTURE,
    ),
    Fault(
        "a TIFF of two pages",
        as_format("TIFF", suffix=".tif", frames=2),
        "warning",
        "holds 2 pictures",
        "disc3.tif",
    ),
    Fault("a JPEG called png", as_format("JPEG"), "note", "holds JPEG although", PICTURE),
    Fault("CMYK", as_format("JPEG", mode="CMYK", suffix=".jpg"), "taken"),
    Fault("a palette", stored(lambda p: p, mode="P"), "taken"),
    Fault("a picture with transparency", stored(lambda p: p, mode="RGBA"), "taken"),
    Fault("a grey picture", stored(lambda p: p[..., 0]), "taken"),
    Fault(
        "a picture of one colour",
        stored(lambda p: np.full_like(p, 90)),
        "warning",
        "every pixel has one colour",
        PICTURE,
    ),
    Fault(
        "mask of another size",
        stored(lambda m: m[:-8], MASK),
        "fault",
        "its size 40 x 40 is not that of",
        MASK,
    ),
    Fault(
        "mask in the alpha channel",
        stored(in_alpha, MASK),
        "note",
        "only its alpha channel varies",
        MASK,
    ),
    Fault(
        "two masks, colour and alpha",
        stored(against_alpha, MASK),
        "fault",
        "tell two different masks",
        MASK,
    ),
    Fault(
        "a photograph for a mask",
        stored(photograph, MASK),
        "fault",
        "a photograph rather than",
        MASK,
    ),
    Fault("a coloured mask", stored(coloured, MASK), "fault", "a colour picture, not a mask", MASK),
    Fault(
        "mask of 16 bits",
        stored(lambda m: m.astype(np.uint16) * 257, MASK),
        "fault",
        "8-bit mask",
        MASK,
    ),
    Fault(
        "mask of 0 and 1", stored(lambda m: m // 255, MASK), "note", "is taken as foreground", MASK
    ),
    Fault(
        "mask turned inside out",
        stored(lambda m: 255 - m, MASK),
        "warning",
        "its corners too",
        MASK,
    ),
    Fault("black mask", stored(np.zeros_like, MASK), "note", "is empty in 1 of 6 cases"),
    Fault("every mask black", all_black, "warning", "is empty in every case"),
    Fault(
        "picture without a mask",
        lambda root: (root / MASK).unlink(),
        "fault",
        "no mask of that name",
        PICTURE,
    ),
    Fault(
        "mask without a picture",
        lambda root: (root / PICTURE).unlink(),
        "fault",
        "no image of that name",
        MASK,
    ),
    Fault("one name, two endings", other_suffix, "fault", "a second file of the name", ""),
    Fault(
        "one picture under two names",
        lambda root: shutil.copy(root / "images/disc1.png", root / PICTURE),
        "warning",
        "shows the same image as disc1",
        PICTURE,
    ),
    Fault("frames of one video", nearly_alike, "warning", "looks almost like disc1", PICTURE),
    Fault(
        "picture that links to nowhere",
        replaced(lambda p: p.symlink_to("gone.png")),
        "fault",
        "a link to gone.png",
        PICTURE,
    ),
    Fault("folder called png", replaced(Path.mkdir), "fault", "no image of that name", MASK),
    Fault("a pipe called png", replaced(os.mkfifo), "fault", "no image of that name", MASK),
    Fault("a name that a spreadsheet would run", renamed("=1+1 käse.png"), "taken"),
    Fault(
        "a case named as probabilities",
        renamed("disc1_prob.png"),
        "refused",
        "the name of the probabilities",
    ),
]
