"""Image features from before deep learning, computed for a whole batch at once."""
