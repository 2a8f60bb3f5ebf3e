"""Pruning with fine-tuning: zeros in kernels by masks, or whole channels taken out of the network."""

from learn2compress.pruning.masks import cubic_sparsity, magnitude_mask, masks_of
from learn2compress.pruning.prune import prune_student
from learn2compress.pruning.sparsity import keep_zeros, kernel_variable, prunable_layers, sparsity_of

__all__ = [
    "cubic_sparsity",
    "keep_zeros",
    "kernel_variable",
    "magnitude_mask",
    "masks_of",
    "prunable_layers",
    "prune_student",
    "sparsity_of",
]
