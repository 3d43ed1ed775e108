"""Making Inter-MT2: conversations about the motion of two people, written by an author and rendered by a generator.

seeds    a clip with its captions, and which kind of conversation is to be written about it
drafts   what the author wrote: texts in which captions in brackets stand for motions
motions  the new motions, rendered from these captions
checked  what the validator let pass, and beside it what it did not, with the reason
store    a prepared store of the new motions, and the conversations as parquet
"""
