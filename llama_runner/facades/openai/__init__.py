"""OpenAI's dialect and routes, which LM Studio's and Ollama's ports share."""
