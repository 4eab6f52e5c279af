"""README.zh-CN.md says what README.md says: the same sections, code, links, tables and names, in the same places."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", flags=re.M | re.S)
HEADING = re.compile(r"^(#+) (.+)$", flags=re.M)
COMMENT = re.compile(r"(?:^|\s+)#\s.*$", flags=re.M)
GLOSS = re.compile(r"(?<=\S) {2,}\S.*$", flags=re.M)
"""What stands beside the names in a tree of files."""


def prose(text: str) -> str:
    return FENCED.sub("", text)


class Page:
    """A page, cut at its headings."""

    def __init__(self, name: str) -> None:
        self.text = (ROOT / name).read_text(encoding="utf-8")
        found = list(HEADING.finditer(FENCED.sub(lambda code: " " * len(code[0]), self.text)))
        self.levels = [len(each[1]) for each in found]
        self.titles = [each[2] for each in found]
        ends = [each.start() for each in found[1:]] + [len(self.text)]
        self.sections = [self.text[each.end() : end] for each, end in zip(found, ends, strict=True)]

    def code(self, section: int) -> list[tuple[str, str]]:
        """The blocks with their languages, without comments."""
        found = FENCED.findall(self.sections[section])
        return [(language, (COMMENT if language else GLOSS).sub("", block)) for language, block in found]

    def links(self, section: int) -> list[str]:
        """Where the links lead; inside the page the number of the section, for its title is another one."""
        anchors = [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in self.titles]
        targets = re.findall(r"\]\(([^)\s]+)\)", prose(self.sections[section]))
        targets += re.findall(r"<(https?://[^>]+)>", prose(self.sections[section]))
        return sorted(f"#{anchors.index(each[1:])}" if each.startswith("#") else each for each in targets)

    def tables(self, section: int) -> list[tuple[int, list[str]]]:
        """The rows of all tables: how many columns, and the digits in them."""
        rows = re.findall(r"^\|.*\|$", prose(self.sections[section]), flags=re.M)
        return [(len(re.findall(r"(?<!\\)\|", row)), sorted(re.findall(r"\d(?:[\d.,]*\d)?", row))) for row in rows]

    def names(self, section: int) -> list[str]:
        """What stands between backticks."""
        return sorted(re.findall(r"`([^`\n]+)`", prose(self.sections[section])))


ENGLISH, CHINESE = Page("README.md"), Page("README.zh-CN.md")
SECTIONS = range(len(ENGLISH.titles))


def test_both_have_the_same_sections_in_the_same_order() -> None:
    assert ENGLISH.levels == CHINESE.levels
    assert len(ENGLISH.levels) > 15


def test_each_leads_to_the_other_at_its_top() -> None:
    assert ENGLISH.sections[0].lstrip().startswith("[中文](README.zh-CN.md)\n")
    assert CHINESE.sections[0].lstrip().startswith("[English](README.md)\n")


@pytest.mark.parametrize("section", SECTIONS, ids=ENGLISH.titles)
def test_a_section_has_the_same_code_apart_from_comments(section: int) -> None:
    assert CHINESE.code(section) == ENGLISH.code(section)


@pytest.mark.parametrize("section", SECTIONS, ids=ENGLISH.titles)
def test_a_section_has_the_same_links(section: int) -> None:
    other = {"README.md", "README.zh-CN.md"}
    assert [each for each in CHINESE.links(section) if each not in other] == [
        each for each in ENGLISH.links(section) if each not in other
    ]


@pytest.mark.parametrize("section", SECTIONS, ids=ENGLISH.titles)
def test_a_section_has_tables_of_the_same_shape_with_the_same_numbers(section: int) -> None:
    assert CHINESE.tables(section) == ENGLISH.tables(section)


@pytest.mark.parametrize("section", SECTIONS, ids=ENGLISH.titles)
def test_a_section_names_the_same_keys_commands_and_files(section: int) -> None:
    assert set(CHINESE.names(section)) == set(ENGLISH.names(section))


def test_no_paragraph_is_left_in_english() -> None:
    paragraphs = [each for each in re.split(r"\n\s*\n", prose(CHINESE.text)) if len(re.findall(r"[a-z]+", each)) > 5]
    for each in paragraphs:
        assert re.search(r"[\u4e00-\u9fff]", each), each
