"""The studio's page: a conversation beside a stage, in NiceGUI. Everything that it does, the HTTP API does too."""
