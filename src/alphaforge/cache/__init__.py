"""The response cache, in process and in Redis. It knows nothing of what it keeps."""
