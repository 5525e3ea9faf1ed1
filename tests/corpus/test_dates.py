from __future__ import annotations

import pytest

from corpus.dates import can_shift, shift


@pytest.mark.parametrize(
    ("written", "moved"),
    [
        ("March 14th", "May 23rd"),
        ("3rd of March 2019", "12th of May 2019"),
        ("March 14th, 2024", "May 23rd, 2024"),
        ("3/14/2019", "05/23/2019"),
        ("14/3/2019", "23/05/2019"),
        ("14.03.2019", "23.05.2019"),
        ("3/14/19", "05/23/19"),
        ("2019-12-14", "2020-02-22"),
        ("twenty-third of May", "first of August"),
        ("Sept 4", "November 13"),
        ("Aug. 12th, 1984", "Oct. 21st, 1984"),
        ("June 2018", "August 2018"),
        ("March", "May"),
    ],
)
def test_a_date_keeps_its_form(written: str, moved: str) -> None:
    assert shift(written, 70) == moved


@pytest.mark.parametrize("text", ["13/13/2019", "February 30th", "soon"])
def test_what_is_no_date_is_left(text: str) -> None:
    assert not can_shift(text)
    assert shift(text, 70) == text
