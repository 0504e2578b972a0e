"""What exists: every table of the lakehouse, declared once. No engine is imported here.

Reading order: bronze (as sent), silver and silver_mes (typed and reviewed), gold (times and quantities), gold_orders (orders, plan
and stock), ops (what the pipeline did). Bronze tables of sources that are declared by a contract alone come beside these
(`lakehouse.sources.tables`).
"""

from lakehouse.model import Table, quarantine_of
from lakehouse.tables.bronze import BRONZE
from lakehouse.tables.gold import GOLD as GOLD_SHIFTS
from lakehouse.tables.gold_orders import GOLD_ORDERS
from lakehouse.tables.ops import OPS
from lakehouse.tables.silver import SILVER as SILVER_SHIFTS
from lakehouse.tables.silver_mes import MES_TABLES

SILVER: tuple[Table, ...] = (*SILVER_SHIFTS, *MES_TABLES)
GOLD: tuple[Table, ...] = (*GOLD_SHIFTS, *GOLD_ORDERS)
SILVER_QUARANTINE: tuple[Table, ...] = tuple(quarantine_of(table) for table in SILVER)
ALL: tuple[Table, ...] = (*BRONZE, *SILVER, *SILVER_QUARANTINE, *GOLD, *OPS)

__all__ = ["ALL", "BRONZE", "GOLD", "OPS", "SILVER", "SILVER_QUARANTINE"]
