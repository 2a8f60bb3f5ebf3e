"""Talks to the API server of Kubeflow Pipelines."""
