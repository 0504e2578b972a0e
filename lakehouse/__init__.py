"""The plant lakehouse. This is the map of the package, in reading order.

model       the vocabulary of declarations: Table, Column, Rule
settings    the only reader of the environment
errors      one root error, a code for each cause, the next command
logs        where log events go
plant       sites, machines, shifts and calendars, ideal cycles, reason codes
tables      WHAT EXISTS: the declarations, one file a layer, no engine
bronze      land: Kafka topics and files, as sent, with where they came from
sources     what each payload means: decoders and file contracts
silver      one module per table: conform
gold        one module per table: summarise; ledger is the heart
quality     row rules, quarantine, conservation, audits
spark       HOW: session, schema, ddl, write, data files
nessie      branch, merge, tag, lease
flow        the verbs put together: land, conform, publish; what jobs and the command line call
serving     the kpi views of Trino and the dashboards of Superset
simulator   a seeded plant that keeps its own books
services    the processes of a stack: configuration, start, stop, readiness
setup       what a machine needs and how it is fetched (standard library only)
cli         the command `lakehouse`
"""
