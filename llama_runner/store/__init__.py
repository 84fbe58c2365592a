"""The models that we keep: the first models folder, and what is fetched for it."""
