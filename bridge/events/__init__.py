"""What ManyChat says: payload shapes, cleaning, the event and its envelope. No I/O."""
