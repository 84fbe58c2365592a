"""What a relay adds to a request, beside other relays on a scripted upstream."""
