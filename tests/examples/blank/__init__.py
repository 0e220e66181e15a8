"""A folder to put in front of a process's path."""
