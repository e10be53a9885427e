"""The SSA core: types, attributes, ops, printer, parser, verifier, pass manager."""
