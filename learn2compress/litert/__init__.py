"""Reads, describes and measures LiteRT (`.tflite`) files, without TensorFlow."""
