"""The compiler: IR, op declarations, frontend, driver. Kept empty: a warm start must import nothing
of it.
"""
