"""One loop for the queues, one for the outbox, one schedule; started as threads of a process."""
