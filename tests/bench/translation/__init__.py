"""What it costs to say an answer in Ollama's words."""
