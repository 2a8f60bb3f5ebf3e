"""What the compiler and the container agree on."""
