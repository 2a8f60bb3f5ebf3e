#!/bin/sh
# Applies an overlay to the cluster of kubectl's current context, or says what is missing there and changes nothing.
#   k8s/apply.sh k8s/overlays/standalone
set -eu

objects=$(kubectl kustomize "${1:?accepted is the folder of an overlay, such as k8s/overlays/standalone}")

# Values of a key of all objects' metadata, or of those of one kind.
metadata() {
    printf '%s\n' "$objects" | awk -v key="$1:" -v wanted="${2:-}" '
        /^---/ { kind = ""; section = "" }
        /^kind: / { kind = $2 }
        /^[a-zA-Z]/ { section = $1 }
        section == "metadata:" && /^  [a-z]/ && $1 == key && (wanted == "" || kind == wanted) { print $2 }' | sort -u
}

missing=""
made=$(metadata name Namespace)
for namespace in $(metadata namespace); do
    if ! printf '%s\n' "$made" | grep -qx "$namespace"; then
        kubectl get namespace "$namespace" > /dev/null || missing="$missing namespace/$namespace"
    fi
done
kubectl get service ml-pipeline --namespace kubeflow > /dev/null || missing="$missing service/ml-pipeline in kubeflow"
if [ -n "$missing" ]; then
    echo "apply.sh: error: not found:$missing; install Kubeflow Pipelines first. Nothing was changed." >&2
    exit 1
fi
# Kinds that the cluster does not know, such as those of Argo Events, are named before anything is made.
printf '%s\n' "$objects" | kubectl apply --dry-run=client --filename - > /dev/null
printf '%s\n' "$objects" | kubectl apply --filename -
