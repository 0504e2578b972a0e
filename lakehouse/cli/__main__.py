"""`python -m lakehouse.cli`."""

from lakehouse.cli.app import main

main()
