"""Language models behind a server with OpenAI's chat completions: `client.py` asks them, `replies.py` keeps what they
say, `budget.py` sets limits to it.

For the author of Inter-MT2, the text model of the two-stage chain, and the judge of answers in words.
"""
