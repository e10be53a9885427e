"""What several passes need: regions built in a line, constants, walks over the functions of a module."""
