"""The dashboard's port."""
