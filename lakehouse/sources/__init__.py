"""What each payload means, pure: message envelopes, file contracts, workbooks."""
