"""Target-dependent tensor passes: layouts, schedules, packed weights, memory."""
