"""A crowd of HTTP clients in a process of its own: lean, so that the server is what is measured.

Nothing compiled that measures HTTP comes as a wheel, so the crowd is written here: uvloop moves the bytes, httptools
finds the ends of answers, requests are ready-made, and a client costs a few function calls an answer. Closed: each
client asks again when it was answered. Open: requests fall due at a constant rate whether or not the server keeps up,
and their time counts from the moment they were due. What the crowd can do at most is itself measured: see `lists`.
"""
