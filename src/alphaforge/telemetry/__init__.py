"""What the running system says about itself: logs. Values go in, nothing of the wiring is known here."""
