"""The Processing side of Rason: one algorithm a file, one bridge to the engine."""
