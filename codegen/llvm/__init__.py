"""Loop IR -> LLVM text -> object -> flat image."""
