"""Sets told by their pictures; the tables are compared with the lists that they were made from."""

import csv

import pytest
from PIL import Image

from inspire_med.cases.published.sets import PUBLISHED, published_set, tell_sets

CLINICDB = published_set("CVC-ClinicDB")
KVASIR = "cju0qkwl35piu0993l0dewei2"


@pytest.fixture
def lay(tmp_path):
    """Pictures of one size, by name; all of them are one file."""

    def write(names, size=(384, 288)):
        picture = tmp_path / f"{size[0]}x{size[1]}.png"
        Image.new("1", size).save(picture)
        return dict.fromkeys(map(str, names), picture)

    return write


def told(folder, pictures):
    found, notes = tell_sets(folder, pictures)
    return {name: known.name for name, known in found.items()}, notes


def test_612_pictures_numbered_from_1_and_of_its_size_are_clinicdb_whatever_the_folder(lay):
    found, (note,) = told("data", lay(range(1, 613)))

    assert set(found.values()) == {"CVC-ClinicDB"}
    assert len(found) == 612
    assert note == (
        "data: 612 pictures taken for CVC-ClinicDB (of 612) by their names and size (384 x 288)."
    )
    assert told("CVC-ClinicDB", lay(range(1, 613)))[1] == []


def test_numbers_alone_tell_no_set(lay):
    assert told("data", lay(range(1, 613), (352, 288))) == ({}, [])
    assert told("data", lay(["613", "a"])) == ({}, [])


def test_a_part_is_said_to_be_one(lay):
    found, (note,) = told("data", lay(["5", "600"]))

    assert found == dict.fromkeys(["5", "600"], "CVC-ClinicDB")
    assert "2 pictures taken for CVC-ClinicDB (of 612) by their names and size" in note


def test_a_folder_called_so_decides_where_sizes_differ(lay):
    found, (note,) = told("my-clinicdb", lay(["5"], (352, 352)))

    assert found == {"5": "CVC-ClinicDB"}
    assert note.endswith("(of 612) by their names.")


def test_a_mixed_folder_says_what_was_seen(lay):
    found, notes = told("TrainDataset", {**lay(["5"]), **lay([KVASIR, "strange"], (600, 500))})

    assert found == {"5": "CVC-ClinicDB", KVASIR: "Kvasir-SEG"}
    assert [note.partition(" taken for ")[2][:10] for note in notes] == ["Kvasir-SEG", "CVC-Clinic"]
    assert all(note.endswith(", beside 2 others.") for note in notes)


@pytest.mark.parametrize(
    ("numbers", "name"), [(range(149, 209), "CVC-300"), (range(1, 381), "CVC-ColonDB")]
)
def test_sets_of_one_size_are_told_by_which_is_whole(lay, numbers, name):
    found, _ = told("images", lay(numbers, (574, 500)))

    assert set(found.values()) == {name}
    assert len(found) == len(numbers)


def test_what_may_be_two_sets_is_neither_and_said(lay):
    pictures = lay(range(150, 160), (574, 500))

    found, (note,) = told("images", pictures)
    assert found == {}
    assert note.startswith("images: 10 pictures could be of CVC-ColonDB or CVC-300, not all of whi")
    assert set(told("CVC-300", pictures)[0].values()) == {"CVC-300"}


def test_a_part_of_a_published_split_is_whole(lay):
    tested = CLINICDB.part("pranet", "test")

    assert len(tested) == 62
    assert told("CVC-ClinicDB", lay(tested))[1] == []


def test_a_damaged_picture_is_no_reason_to_stop(tmp_path):
    (tmp_path / "5.png").write_bytes(b"no picture")

    assert tell_sets("data", {"5": tmp_path / "5.png"}) == ({}, [])
    assert told("clinicdb", {"5": tmp_path / "5.png"})[0] == {"5": "CVC-ClinicDB"}


def test_the_tables_have_as_many_pictures_as_their_sets():
    counts = {known.name: len(known.rows) for known in PUBLISHED}

    assert counts == {
        "Kvasir-SEG": 1000,
        "CVC-ClinicDB": 612,
        "ETIS-LaribPolypDB": 196,
        "CVC-ColonDB": 380,
        "CVC-300": 60,
    }


def test_the_tables_are_the_published_lists(real_data):
    lists = real_data / "polyp" / "splits"
    kvasir = published_set("Kvasir-SEG")

    def listed(name):
        return set((lists / name).read_text().split())

    assert kvasir.part("kvasir-official", "train") == listed("kvasir_official_train_880.txt")
    assert kvasir.part("kvasir-official", "val") == listed("kvasir_official_val_120.txt")
    assert kvasir.part("pranet", "train") == listed("pranet_train_kvasir_900.txt")
    assert kvasir.part("pranet", "test") == listed("pranet_test_kvasir_100.txt")
    assert CLINICDB.part("pranet", "train") == listed("pranet_train_clinicdb_550.txt")
    assert CLINICDB.part("pranet", "test") == listed("pranet_test_clinicdb_62.txt")
    with (lists / "cvc_clinicdb_sequences.csv").open() as handle:
        for row in csv.DictReader(handle):
            for frame in range(int(row["first_frame"]), int(row["last_frame"]) + 1):
                sequence = f"clinicdb-video-{int(row['sequence_id']):02d}"
                assert CLINICDB.rows[str(frame)]["sequence"] == sequence
