"""Names as they are compared, wherever a person typed them: without accents, capitals and doubled blanks."""

from __future__ import annotations

import unicodedata


def normal(text: str) -> str:
    """Return a name in the form in which it is compared."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return " ".join(plain.casefold().split())
