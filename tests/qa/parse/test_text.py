from pathlib import Path

import pytest
from tests.qa.parse.documents import read, save

from glede.qa.parse import BlockKind

SIMPLIFIED = (
    "向量数据库是近年来随着机器学习的发展而兴起的一类数据管理系统。与传统的关系型数据库不同，它存储的不是表格中的"
    "字段，而是由模型产生的高维向量，并且能够在数以亿计的记录中迅速找到与查询最相近的结果。用户在使用时需要先把文档"
    "切分为片段，再把每个片段转换为向量，最后写入集合并建立索引。"
)
TRADITIONAL = (
    "臺灣的氣候溫暖潮濕，山區的植物種類非常豐富，許多鳥類都在這裡過冬。研究人員在過去的十年中對老鷹的數量進行了"
    "長期的觀察，發現牠們對環境的變化十分敏感。當農田減少或者農藥使用過多的時候，老鷹的數量就會明顯地下降；反之，"
    "如果農民採用友善的耕作方式，牠們便會慢慢地回到原來的地方。"
)
JAPANESE = (
    "ベクトルデータベースは、機械学習モデルが生成した高次元のベクトルを保存し、"
    "近いものを素早く検索するためのシステムです。"
)
KOREAN = (
    "벡터 데이터베이스는 기계 학습 모델이 만든 고차원 벡터를 저장하고 "
    "가까운 것을 빠르게 찾아 주는 시스템이다."
)
POLISH = "Kania ruda jest ptakiem średniej wielkości; gnieździ się w lasach, żeruje nad łąkami."
FRENCH = (
    "Le milan royal est un rapace élancé à la queue très échancrée, dont la tête grisâtre se voit de près."
)
RUSSIAN = (
    "Красный коршун широко распространён в Европе. Он гнездится на деревьях и охотится над полями и лугами."
)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (SIMPLIFIED, "gb18030"),
        (SIMPLIFIED, "gb2312"),
        (SIMPLIFIED, "utf-8"),
        (SIMPLIFIED, "utf-8-sig"),
        (SIMPLIFIED, "utf-16"),
        (SIMPLIFIED[:60], "gb18030"),
        (TRADITIONAL, "big5"),
        (TRADITIONAL, "gb18030"),
        (TRADITIONAL[:60], "big5"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
        (KOREAN, "euc_kr"),
        (FRENCH, "latin-1"),
        (FRENCH, "utf-16-le"),
        (FRENCH, "cp1252"),
        (POLISH, "cp1250"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
    ],
)
def test_encodings(tmp_path: Path, text: str, encoding: str) -> None:
    assert read(save(tmp_path / "text.txt", text.encode(encoding))).text == text


@pytest.mark.parametrize("text", [SIMPLIFIED, TRADITIONAL])
def test_chinese_among_ascii(tmp_path: Path, text: str) -> None:
    mixed = "Milvus 2.5 README, section one.\n\n" + text[:80] + " (see http://example.org/docs)"
    encoding = "gb18030" if text is SIMPLIFIED else "big5"

    assert read(save(tmp_path / "mixed.txt", mixed.encode(encoding))).text == mixed


def test_one_bad_byte_does_not_spoil_utf8(tmp_path: Path) -> None:
    data = SIMPLIFIED.encode() + b"\xff" + SIMPLIFIED.encode()

    assert read(save(tmp_path / "bad.txt", data)).text == SIMPLIFIED + "\ufffd" + SIMPLIFIED


def test_control_characters_and_blank_lines(tmp_path: Path) -> None:
    data = "cafe\u0301\x07 kite\r\n\r\n\r\n\r\nﬁn\u00a0de\u00adscent \x1b"

    assert read(save(tmp_path / "c.txt", data)).text == "café kite\n\nﬁn descent"


def test_wrapped_paragraphs_are_joined_and_verse_is_not(tmp_path: Path) -> None:
    wrapped = (
        "The red kite is a medium-large bird of prey in the family Accipitridae,\n"
        "which also includes many other diurnal raptors such as eagles, buzzards\n"
        "and harriers.\n\n"
        "Kites rise,\nthe wind holds still,\nand nobody knows.\n\n"
        "向量数据库是近年来随着机器学习的发展而兴起的一类数据管理系统，它存储\n"
        "的是由模型产生的高维向量。\n"
    )
    prose, verse, chinese = read(save(tmp_path / "w.txt", wrapped)).texts()

    assert prose == " ".join(wrapped.split("\n")[:3])
    assert verse == "Kites rise,\nthe wind holds still,\nand nobody knows."
    assert chinese == "".join(wrapped.strip().split("\n")[-2:])


def test_headings_lists_and_listings(tmp_path: Path) -> None:
    text = (
        "Handbook\n========\n\nWelcome.\n\nParts\n-----\nThere are two.\n\n* wing\n* tail\n\n"
        "    fly()\n    land()\n\n第二章 维护\n\n每年检查一次。\n\n1.1 Storage\n\nKeep it dry.\n"
    )
    document = read(save(tmp_path / "h.txt", text))

    assert document.texts(BlockKind.HEADING) == ["Handbook", "Parts", "第二章 维护", "1.1 Storage"]
    assert document.texts(BlockKind.LIST) == ["* wing\n* tail"]
    assert document.texts(BlockKind.CODE) == ["    fly()\n    land()"]
    assert document.path_of("There are two") == ("Handbook", "Parts")
    assert document.path_of("Keep it dry") == ("第二章 维护", "1.1 Storage")


def test_a_list_with_blank_lines_is_not_headings(tmp_path: Path) -> None:
    document = read(save(tmp_path / "l.txt", "1. Open the box\n\n2. Take the kite\n\n3. Fly it.\n"))

    assert document.texts(BlockKind.HEADING) == []


def test_one_endless_line_is_cut_into_sections(tmp_path: Path) -> None:
    document = read(save(tmp_path / "long.txt", "The kite soars over the field. " * 2000))

    assert len(document.pages) > 10
    assert all(len(page.text) <= 4000 and page.text.endswith(".") for page in document.pages)


def test_csv_is_a_table(tmp_path: Path) -> None:
    document = read(save(tmp_path / "birds.csv", 'Bird,Note\nKite,"soars, high"\nHawk,dives\n'))

    assert [(text, block.header) for text, block in document.blocks(BlockKind.TABLE)] == [
        ("Bird | Note\nKite | soars, high\nHawk | dives", "Bird | Note")
    ]
