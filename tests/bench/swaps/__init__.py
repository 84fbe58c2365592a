"""Three models of which one fits, asked in turns, beside llama-server's own router."""
