"""Encoders: the ready ones, and adapters for models of other libraries."""
