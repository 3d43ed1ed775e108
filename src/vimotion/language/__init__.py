"""The language side: a backbone that reads and writes motion as words.

Torch and transformers are loaded by the modules that need them, not here.
"""
