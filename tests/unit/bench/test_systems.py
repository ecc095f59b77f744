from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from bench.qa.datasets.model import Section
from bench.qa.systems import CachedEmbedder, GledeIndex, glede_systems

from glede.qa.embed.base import Vectors
from glede.qa.text.script import Script

SECTIONS = [
    Section("kite", "Birds > Red kite", "It soars over the valley.\nIts tail is forked.", "d"),
    Section("pump", "", "A pump moves water from the valley.", "d"),
    Section("loom", "", "A loom weaves cloth.", "d"),
    Section("river", "", "河流从山谷里流出。", "d"),
]
DIMENSION = 8


class LengthEmbedder:
    """Gives texts vectors by their length, and counts what it was asked."""

    name = "length"
    dimension = DIMENSION
    scripts: frozenset[Script] = frozenset({"latin"})

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        vectors = np.zeros((len(texts), DIMENSION), dtype=np.float32)
        vectors[np.arange(len(texts)), [len(text) % DIMENSION for text in texts]] = 1.0
        return vectors

    def close(self) -> None:
        pass


def test_sections_are_found_by_heading_by_text_and_in_chinese_without_a_model() -> None:
    lexical, reranked = glede_systems(None)
    try:
        for system in (lexical, reranked):
            system.index(SECTIONS)
            birds, water, chinese, nothing = system.search(
                ["red kite", "what moves water?", "山谷里的河流", "zeppelin"], 10
            )
            assert birds == ["kite"]
            assert water[0] == "pump"
            assert chinese == ["river"]
            assert nothing == []
    finally:
        lexical.close()


def test_the_dense_setting_ranks_by_vectors_and_the_settings_share_one_index() -> None:
    embedder = LengthEmbedder()
    systems = {system.name: system for system in glede_systems(embedder)}
    try:
        for name in ("glede lexical", "glede dense", "glede hybrid"):
            systems[name].index(SECTIONS)
        assert len(embedder.asked) == 3
        question = "x" * len("A loom weaves cloth.")
        assert systems["glede dense"].search([question], 10)[0][0] == "loom"
        assert systems["glede lexical"].search([question], 10) == [[]]
    finally:
        systems["glede dense"].close()


def test_searching_before_indexing_is_refused() -> None:
    with pytest.raises(RuntimeError, match=r"call index\(\) before search"):
        glede_systems(None)[0].search(["why"], 10)


def test_an_index_leaves_no_folder_behind() -> None:
    index = GledeIndex(None)
    index.fill(SECTIONS, dense=False)
    folder = index.folder
    assert folder is not None
    assert folder.exists()
    index.close()
    index.close()
    assert not folder.exists()


def test_vectors_are_kept_on_disk_by_content(tmp_path: Path) -> None:
    first, second = LengthEmbedder(), LengthEmbedder()
    texts = ["one", "three", "one", "eleven"]
    made = CachedEmbedder(first, tmp_path).embed(texts)
    again = CachedEmbedder(second, tmp_path).embed([*texts, "new one"])
    assert first.asked == ["one", "three", "eleven"]
    assert second.asked == ["new one"]
    assert made.shape == (4, DIMENSION)
    assert np.array_equal(made, again[:4])
    assert np.array_equal(made, LengthEmbedder().embed(texts))
