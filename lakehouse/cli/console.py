"""Where commands print: the person's console, and JSON for programs."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """Print one JSON document; instants and decimals as text."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")
