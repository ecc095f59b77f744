from pathlib import Path

import pytest

from glede.api.documentqa import Source
from glede.cli.sources import _files


@pytest.mark.parametrize("exclude", ["drafts", "drafts/**", "drafts/**/*", "**/old.md"])
def test_exclude_leaves_out_files_and_whole_folders(tmp_path: Path, exclude: str) -> None:
    folder = tmp_path / "guides"
    (folder / "drafts" / "deep").mkdir(parents=True)
    for name in ("a.md", "drafts/deep/old.md", "image.png"):
        (folder / name).write_text("text")

    found = list(_files(Source(path=folder, exclude=[exclude])))

    assert found == [(folder / "a.md", "guides/a.md")]
