"""When the workflows run: at every close, every minute."""
