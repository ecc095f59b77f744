from pathlib import Path

from pptx import Presentation
from pptx.util import Inches
from tests.qa.parse.documents import read, refused

from glede.qa.parse import BlockKind, PageKind, ParseLimits


def deck(path: Path, slides: int = 2) -> Path:
    presentation = Presentation()
    for number in range(1, slides + 1):
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = f"Slide {number}"
        frame = slide.placeholders[1].text_frame
        frame.text = "Kites soar"
        frame.add_paragraph().text = "Hawks dive"
        frame.paragraphs[1].level = 1
        table = slide.shapes.add_table(2, 2, Inches(1), Inches(3), Inches(4), Inches(1)).table
        for at, text in enumerate(["Bird", "Speed", "Kite", str(number)]):
            table.cell(at // 2, at % 2).text = text
        slide.notes_slide.notes_text_frame.text = f"Speak slowly {number}"
    presentation.save(str(path))
    return path


def test_slides(tmp_path: Path) -> None:
    document = read(deck(tmp_path / "deck.pptx"))

    assert (document.info.title, document.info.page_kind, document.info.pages) == ("deck", PageKind.SLIDE, 2)
    second = [(block.kind, text, block.heading) for text, block in document.blocks()][4:]
    assert second == [
        (BlockKind.HEADING, "Slide 2", ("Slide 2",)),
        (BlockKind.LIST, "- Kites soar\n  - Hawks dive", ("Slide 2",)),
        (BlockKind.TABLE, "Bird | Speed\nKite | 2", ("Slide 2",)),
        (BlockKind.TEXT, "Notes: Speak slowly 2", ("Slide 2",)),
    ]
    assert document.blocks(BlockKind.TABLE)[1][1].header == "Bird | Speed"


def test_too_many_slides(tmp_path: Path) -> None:
    path = deck(tmp_path / "deck.pptx", slides=3)

    assert refused(path, limits=ParseLimits(max_pages=2)) == (
        "too_many_pages",
        "deck.pptx: it has 3 slides, and 2 are allowed; split it",
    )


def test_no_slides(tmp_path: Path) -> None:
    path = tmp_path / "empty.pptx"
    Presentation().save(str(path))

    assert refused(path) == (
        "no_pages",
        "empty.pptx: the presentation has no slides; upload one that has",
    )
