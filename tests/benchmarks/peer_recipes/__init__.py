"""What users do today to shrink a Keras classifier, and what we do, each as a program of its own.

`python -m peer_recipes.NAME REQUEST.json` trains every student of the request
and writes their `.tflite` files and what that took; `peers.py` starts and
compares them. Each starts cold, so that none finds what another left compiled.
"""
