"""The seeded plant: what it does, what it tells (messages, MES files, workbooks), and its own books of what was true.

Reading order: spec (what is simulated), rates (how often what happens), process (the plant itself, simpy), day (one production
date of it: messages and truth), ledger and books (the truth in plain files), history and live (two ways to run it), compare
(books against gold). Instants are whole microseconds since 1970 (UTC); the books' arithmetic shares nothing with the pipeline's.
"""
