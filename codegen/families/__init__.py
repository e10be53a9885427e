"""Kernel families: each lowers one kind of `kern` op to loop code."""
