"""The APIs we speak; each knows one dialect and no other facade."""
