"""A reader that behaves as badly as a hostile workbook can make it: takes memory without end, or never ends."""

import json
import sys
import threading

from lakehouse.sources.workbook_child import limit_this_process

limit_this_process()
if "endless" in json.loads(sys.argv[1])["sheets"]:
    threading.Event().wait()
taken = []
while True:
    taken.append(bytearray(64 << 20))
