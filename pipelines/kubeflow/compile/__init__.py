"""The graph of TFX components as a package for Kubeflow Pipelines."""
