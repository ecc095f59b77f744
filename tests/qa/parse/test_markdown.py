from pathlib import Path

from tests.qa.parse.documents import read, save

from glede.qa.parse import BlockKind

TEXT = """---
title: Kite handbook
tags: [a]
---
# Kites {#kites}

A **red** kite [soars](http://example.org/x) over
the `field`, see ![a photo](kite.png).

## Sizes

| Bird | *Span* |
|------|------|
| Kite | 1.7 |

1. first
   - nested *item*

   ```sh
   fly --high
   ```
2. second

```python
def soar():

    return "**not bold**"
```

#### Deep

> Quoted words.

<div align="center"><b>Raw</b> words</div>

## 中文

向量数据库支持**近似**
最近邻搜索。
"""


def test_plain_readable_text(tmp_path: Path) -> None:
    document = read(save(tmp_path / "kites.md", TEXT))

    assert document.info.title == "Kite handbook"
    assert [(block.kind, text) for text, block in document.blocks()] == [
        (BlockKind.HEADING, "Kites"),
        (BlockKind.TEXT, "A red kite soars over the field, see a photo."),
        (BlockKind.HEADING, "Sizes"),
        (BlockKind.TABLE, "Bird | Span\nKite | 1.7"),
        (BlockKind.LIST, "1. first\n  - nested item"),
        (BlockKind.CODE, "fly --high"),
        (BlockKind.LIST, "2. second"),
        (BlockKind.CODE, 'def soar():\n\n    return "**not bold**"'),
        (BlockKind.HEADING, "Deep"),
        (BlockKind.TEXT, "Quoted words."),
        (BlockKind.TEXT, "Raw words"),
        (BlockKind.HEADING, "中文"),
        (BlockKind.TEXT, "向量数据库支持近似最近邻搜索。"),
    ]


def test_paths_and_sections(tmp_path: Path) -> None:
    document = read(save(tmp_path / "kites.markdown", TEXT))

    assert [page.label for page in document.pages] == ["Kites", "Sizes", "中文"]
    assert document.path_of("def soar") == ("Kites", "Sizes")
    assert document.path_of("Quoted") == ("Kites", "Sizes", "Deep")
    assert document.path_of("最近邻") == ("Kites", "中文")
    assert document.blocks(BlockKind.TABLE)[0][1].header == "Bird | Span"


def test_title_is_the_first_heading_or_the_file_name(tmp_path: Path) -> None:
    assert read(save(tmp_path / "a.md", "# Red *kite*\n\ntext")).info.title == "Red kite"
    assert read(save(tmp_path / "b.md", "only text")).info.title == "b"


def test_a_rule_at_the_start_is_no_front_matter(tmp_path: Path) -> None:
    assert read(save(tmp_path / "a.md", "---\n\nKites soar.\n\n---\n\nHawks dive.")).texts() == [
        "Kites soar.",
        "Hawks dive.",
    ]


def test_a_long_table_is_cut_between_rows_and_keeps_its_header(tmp_path: Path) -> None:
    rows = "\n".join(f"| kite {number} | {'far ' * 20} |" for number in range(400))
    document = read(save(tmp_path / "t.md", f"# T\n\n| Bird | Note |\n|---|---|\n{rows}\n"))
    tables = document.blocks(BlockKind.TABLE)

    assert len(tables) > 1
    assert {block.header for _, block in tables} == {"Bird | Note"}
    assert sum(text.count("kite ") for text, _ in tables) == 400
    assert all(line.startswith(("kite ", "Bird")) for text, _ in tables for line in text.split("\n"))
