"""LM Studio's port."""
