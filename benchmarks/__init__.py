"""How fast lantern is beside NumPy, JAX and PyTorch: `python -m benchmarks`."""
