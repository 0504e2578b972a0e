"""Gold: the time ledger and the quantities of machine-shifts, as pure functions of silver frames and the plant model.

scope       what is rebuilt: machine-shifts and master data as small local relations
spans       spans of time cut at the windows' edges
counters    cumulative counters to steps, coverage and running evidence
claims      who says what about a stretch of time
ledger      one category for each microsecond: `time_segment`
quantities  pieces of each machine-shift, with the ideal cycle used
machine_shift, temperature_window   the tables
"""
