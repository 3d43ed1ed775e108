import pytest
from tiny_model import SEEING, SPEC, tiny_model

from vimotion.chat import Model
from vimotion.language.model_folder import ModelFolder


@pytest.fixture(scope="session")
def folder() -> ModelFolder:
    return tiny_model()


@pytest.fixture(scope="session")
def model(folder: ModelFolder) -> Model:
    return Model(folder, "tiny")


@pytest.fixture(scope="session", params=[SPEC, SEEING], ids=["blind", "seeing"])
def either(request: pytest.FixtureRequest) -> Model:
    """A model whose people are told where the other is, and one whose are not."""
    return Model(tiny_model(spec=request.param), "tiny")
