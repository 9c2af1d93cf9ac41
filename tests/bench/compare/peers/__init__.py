"""One module a peer; worker.py runs one of them in a process of its own."""
