"""The shapes of requests, checked on arrival, and of answers, for whoever reads the OpenAPI document."""
