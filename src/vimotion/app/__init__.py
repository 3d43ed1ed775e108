"""The studio: a server that talks over HTTP, and the page that stands on it."""
