import pytest
from small import small_codec

from vimotion.tokenizer import MotionTokenizer


@pytest.fixture(scope="session")
def tokenizer() -> MotionTokenizer:
    return MotionTokenizer(small_codec())
