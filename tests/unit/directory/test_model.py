from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.directory.model import Entry


@given(st.binary(min_size=16, max_size=16))
def test_a_guid_is_written_as_one_would_be(value: bytes) -> None:
    assert Entry("CN=x", {"objectGUID": [value]}).guid_text("objectGUID") == str(UUID(bytes_le=value))


@pytest.mark.parametrize("raw", [{}, {"objectGUID": []}, {"objectGUID": [b"short"]}])
def test_what_is_no_guid_is_written_as_nothing(raw: dict[str, list[bytes]]) -> None:
    assert Entry("CN=x", raw).guid_text("objectGUID") == ""
