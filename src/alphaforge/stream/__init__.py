"""What happens, as it happens: the events of the last minutes in memory, and who listens to them."""
