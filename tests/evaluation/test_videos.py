from pathlib import Path

import numpy as np
import pytest

from inspire_med.errors import InputError
from inspire_med.evaluation.protocols import protocol
from inspire_med.evaluation.references import References
from inspire_med.evaluation.result import CaseScores, RegionResult
from inspire_med.evaluation.scores import summarise_cases
from inspire_med.evaluation.videos import of_videos, videos_of, with_sites_of_videos, without_ends


def references(videos, **more):
    masks = {frame: Path(f"{frame}.png") for frame in videos}
    return References(masks, {}, provenance={"References": "here"}, videos=videos, **more)


def scores(case, value, curve, sizes=(1.0, 1.0)):
    result = RegionResult({"s_measure": value}, curves={"dice": np.array(curve)}, sizes=sizes)
    return CaseScores(case, {"polyp": result})


def test_the_first_and_the_last_frame_are_left_out_by_number_not_by_letter():
    names = [f"v-{number}" for number in (1, 2, 10, 9)]

    found = without_ends(references(dict.fromkeys(names, "v"), elsewhere=frozenset({"x"})))

    assert list(found.masks) == ["v-2", "v-9"]
    assert list(found.videos) == ["v-2", "v-9"]
    assert found.elsewhere == {"x", "v-1", "v-10"}
    assert found.notes[0].startswith("Frames scored: 2 of 4 in 1 video;")


def test_names_of_sun_seg_are_in_the_order_of_the_official_script():
    """By the numbers behind the date, after _a and after _image, in this order."""
    name = "case1_1-case_M_20181001100941_0U62363100354631_1_{:03d}_{:03d}-1_a{}_ayy_image{:04d}"
    frames = [
        name.format(1, *numbers) for numbers in ((1, 9, 81), (1, 13, 1), (1, 13, 12), (2, 1, 3))
    ]

    found = without_ends(references(dict.fromkeys(reversed(frames), "case1_1")))

    assert list(found.masks) == frames[1:-1]


def test_videos_of_two_frames_are_named_and_without_any_other_refused():
    long, short = dict.fromkeys("abc", "long"), dict.fromkeys("de", "short")

    assert "Left out, as no frame is left: short." in without_ends(references(long | short)).notes
    with pytest.raises(InputError, match="here: no video has more than two frames"):
        without_ends(references(short))


def test_a_video_counts_once_however_long_it_is():
    frames = [scores("a1", 0.2, [0, 1.0]), scores("a2", 0.4, [0, 0.0]), scores("b1", 0.9, [0.8, 0])]
    videos = {"a1": "a", "a2": "a", "b1": "b"}

    found = of_videos(frames, videos)

    assert [each.case for each in found] == ["a", "b"]
    assert found[0].regions["polyp"].measures["s_measure"] == pytest.approx(0.3)
    summary = summarise_cases(protocol("polyp-video"), [_with_curves(each) for each in found])
    assert summary["polyp"]["s_measure"].mean == pytest.approx(0.6)  # of frames it were 0.5
    # mean curve of a: 0, 0.5; of both: 0.4, 0.25
    assert summary["polyp"]["max_dice"].mean == pytest.approx(0.4)
    assert summary["polyp"]["s_measure"].n == 2


def test_what_a_frame_lacks_its_video_lacks():
    frames = [scores("a1", np.nan, [0, 1]), scores("a2", 0.4, [0, 0])]

    (found,) = of_videos(frames, dict.fromkeys(("a1", "a2"), "a"))

    assert np.isnan(found.regions["polyp"].measures["s_measure"])


def test_sizes_are_means_over_frames():
    frames = [scores("a1", 0, [0], sizes=(2, 5)), scores("a2", 0, [0], sizes=(4, 6))]

    (found,) = of_videos(frames, dict.fromkeys(("a1", "a2"), "a"))

    assert found.regions["polyp"].sizes == (3, 5.5)


def test_a_video_is_what_a_patient_has_in_one_folder():
    """SUN-SEG cuts the video of one polyp into clips; ClinicDB has all videos in one folder."""
    files = {
        "a": Path("GT/case1_1/a.png"),
        "b": Path("GT/case1_3/b.png"),
        "c": Path("masks/c.png"),
        "d": Path("masks/d.png"),
    }
    patients = {"a": "case1", "b": "case1", "c": "video-01", "d": "video-02"}

    assert videos_of(patients, files) == {
        "a": "case1-case1_1",
        "b": "case1-case1_3",
        "c": "video-01",
        "d": "video-02",
    }


@pytest.mark.parametrize(
    ("places", "said"),
    [
        (
            (("a", "x"), ("a", "y"), ("a-x", "z")),
            "z: the video of patient a-x has the name a-x, as that of patient a in x; rename",
        ),
        (
            (("a", "x/GT"), ("a", "y/GT")),
            "y/GT: the video of patient a has the name a-GT, as that of patient a in x/GT; rename",
        ),
    ],
)
def test_two_videos_of_one_name_are_not_made_one(places, said):
    patients = {str(frame): patient for frame, (patient, _) in enumerate(places)}
    files = {str(frame): Path(folder) / "1.png" for frame, (_, folder) in enumerate(places)}

    with pytest.raises(InputError, match=said):
        videos_of(patients, files)


def test_the_site_of_a_video_is_that_of_its_frames():
    found = with_sites_of_videos(references({"a": "v", "b": "w"}, sites={"a": "easy", "z": "hard"}))

    assert found.sites == {"v": "easy"}


def _with_curves(case):
    result = case.regions["polyp"]
    curves = dict.fromkeys(("e", "f", "iou", "recall", "specificity"), result.curves["dice"])
    return CaseScores(
        case.case, {"polyp": RegionResult(result.measures, curves=curves | result.curves)}
    )
