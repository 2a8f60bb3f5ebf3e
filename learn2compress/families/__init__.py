"""Families: one jointly trained network of many sub-networks, its measurement, and picking students from it."""
