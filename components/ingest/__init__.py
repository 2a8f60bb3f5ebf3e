"""Reads, validates and splits the examples that students are trained and measured on."""
