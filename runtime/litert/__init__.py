"""The real LiteRT interpreter's C ABI through ctypes: mirrors, self-check, delegates."""
