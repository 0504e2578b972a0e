"""The command line `lakehouse`: one module a verb, registered in `app`. Nothing imports this package but its entry point."""
