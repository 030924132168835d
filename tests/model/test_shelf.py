"""Models by their names."""

import pytest

from musicgen.model.shelf import PACKAGED, find_by_name


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_of_music_does_not_hide_the_model_of_its_name(here):
    (here / "chorales").mkdir()

    assert find_by_name("chorales") == PACKAGED / "chorales.safetensors"


def test_a_file_and_the_folder_of_a_run_come_before_the_models_that_come_along(here):
    (here / "folk").mkdir()
    (here / "folk" / "model.safetensors").touch()
    (here / "chorales").touch()

    assert find_by_name("folk").parts == ("folk", "model.safetensors")
    assert find_by_name("chorales").parts == ("chorales",)


def test_a_name_that_is_none_is_told_those_there_are(here):
    with pytest.raises(FileNotFoundError, match=r"there is no model nocturnes.*chorales, folk, quartets"):
        find_by_name("nocturnes")
