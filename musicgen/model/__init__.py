"""What was learned: its shape, its file and the engine that runs it."""
