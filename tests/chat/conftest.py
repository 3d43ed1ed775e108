import pytest
from tiny_model import tiny_model

from vimotion.chat import Model
from vimotion.language.model_folder import ModelFolder


@pytest.fixture(scope="session")
def folder() -> ModelFolder:
    return tiny_model()


@pytest.fixture(scope="session")
def model(folder: ModelFolder) -> Model:
    return Model(folder, "tiny")
