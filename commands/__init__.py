"""The command line: each module has some commands, and is loaded when one of them is run."""
