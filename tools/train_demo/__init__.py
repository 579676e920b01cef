"""How checkpoints/demo was made. See README.md."""
