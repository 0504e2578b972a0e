"""What exists: every table of the lakehouse, declared once. No engine is imported here.

Reading order: bronze (as sent), silver (typed and reviewed), gold (times and quantities), ops (what the pipeline did).
"""

from lakehouse.model import Table, quarantine_of
from lakehouse.tables.bronze import BRONZE
from lakehouse.tables.gold import GOLD
from lakehouse.tables.ops import OPS
from lakehouse.tables.silver import SILVER

SILVER_QUARANTINE: tuple[Table, ...] = tuple(quarantine_of(table) for table in SILVER)
ALL: tuple[Table, ...] = (*BRONZE, *SILVER, *SILVER_QUARANTINE, *GOLD, *OPS)

__all__ = ["ALL", "BRONZE", "GOLD", "OPS", "SILVER", "SILVER_QUARANTINE"]
