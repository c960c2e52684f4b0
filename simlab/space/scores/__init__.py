"""Measuring: metrics per query, intervals, and tests between spaces."""
