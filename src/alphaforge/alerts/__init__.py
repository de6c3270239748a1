"""Alerts: which channels there are, what each wants, what it is told, and how that is sent."""
