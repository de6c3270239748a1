"""A broker to practise on: simulated or replayed prices, served as OANDA's v20 API, with faults on request."""
