"""The HTTP interface: routers and schemas a noun, middleware, and the table from errors to statuses."""
