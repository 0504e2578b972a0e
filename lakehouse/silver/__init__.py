"""Conform: typed, keyed and reviewed rows, one module per silver table. A pure function of bronze rows and the plant model."""
