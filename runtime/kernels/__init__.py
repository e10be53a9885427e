"""The meaning of each TFLite op in NumPy."""
