"""Land: topics and files as sent, with where they came from, and how far it got."""
