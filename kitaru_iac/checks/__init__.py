"""What is checked: probes, their answers and what follows from them, in any cloud."""
