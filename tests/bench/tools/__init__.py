"""What puts load on, and what is relayed to: in C, or in Python where there is no compiler."""
