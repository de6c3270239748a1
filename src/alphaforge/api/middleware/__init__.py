"""What happens to every request before a router sees it, as plain ASGI."""
