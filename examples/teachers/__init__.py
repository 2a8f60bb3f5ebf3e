"""Networks for `examples/train_teacher.py`, and how it trains them."""
