"""The pipeline on Kubeflow Pipelines: what compiles it into a package, and what its containers run."""
