"""A text stays one cell of a table, whatever it holds."""

from __future__ import annotations

from scenarios.markdown import cell


def test_nothing_of_a_text_is_taken_for_markup_and_lines_are_joined() -> None:
    assert cell("a | b\n\\ <img> `c`") == "a \\| b \\\\ &lt;img> \\`c\\`"
