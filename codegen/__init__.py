"""Loop IR to machine code: targets as data, kernel families, object emission."""
