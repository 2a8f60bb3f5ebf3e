"""Teachers: what makes one safe to load, how it is loaded, and how it answers.

A teacher comes from somebody's repository or bucket, so `safety` reads the
file before TensorFlow or Keras may act on it; `loading` then opens it and checks
it against the task. Its logits are computed once (`teacher`, `augmented_views`),
or in every training step (`live`).
"""
