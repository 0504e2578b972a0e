"""The benchmarks: `python -m bench` runs the quick ones on a stack of their own and keeps the raw results below .lake/bench."""
