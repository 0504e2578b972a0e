"""The command line ends with a line and a status, whatever went wrong."""

from __future__ import annotations

import pytest

from lakehouse.cli import app
from lakehouse.errors import TrinoUnreachableError


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (TrinoUnreachableError("query", "nobody answers", "bin/lakehouse up"), 13, "E_TRINO query: nobody answers | next: bin/lakehouse up"),
        (KeyError("site"), 70, "E_INTERNAL KeyError: 'site' | next: read the trace above this line"),
    ],
)
def test_an_error_is_a_line_and_a_status(monkeypatch, capsys, error, status, line):
    def fails():
        raise error

    monkeypatch.setattr(app, "app", fails)
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code == status
    assert capsys.readouterr().err.splitlines()[-1] == line
