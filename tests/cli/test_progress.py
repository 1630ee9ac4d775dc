from inspire_med.cli.progress import progress_bar


def test_without_a_terminal_there_is_no_progress_bar(capsys):
    with progress_bar() as progress:
        assert list(progress.track([1, 2])) == [1, 2]

    assert capsys.readouterr() == ("", "")
