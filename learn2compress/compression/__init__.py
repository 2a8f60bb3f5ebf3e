"""The way from a teacher to a family of files in Python, and each of its steps: what `import learn2compress` offers."""
