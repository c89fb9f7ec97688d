"""Azure Storage Queue: send, lease, renew, delay, dead-letter."""
