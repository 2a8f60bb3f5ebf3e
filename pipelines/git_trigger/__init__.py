"""From a Git push to a run on Kubeflow Pipelines: one submitter, called by CI and by the webhook receiver."""
