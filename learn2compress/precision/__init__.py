"""The same weights in layers that compute faster: normalization in one operator, and images in bfloat16."""
