"""The shapes of the HTTP API: OpenAI's chat completions with motions in them, motions, and kept conversations."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from vimotion.config import Config
from vimotion.formats import WRITABLE

People = Literal["ab", "a", "b"]
MOST_CHARACTERS = 20_000
Text = Annotated[str, Field(max_length=MOST_CHARACTERS)]
Id = Annotated[str, Field(max_length=100)]

MOTION_ID = "motion-5f0c2a9d7be1468833aa01de"
SESSION_ID = "session-0b6e1f7c92d84ab15c3397f2"
TURN_ID = "turn-9c41d2a07f3b5e6618d0a3bc"


# -- what comes in -----------------------------------------------------------------------------------------------------------


class MotionReference(BaseModel):
    """A motion by its id; other keys of a motion that was received are let pass."""

    id: Id
    people: People | None = Field(None, description="Who of it is meant: one person can be answered by another. Default: all.")
    start: int = Field(0, ge=0, le=100_000, description="The frame from which on it is meant, as an answer tells it.")


class AnswerMotion(MotionReference):
    """A motion of an answer, as it was received."""

    offset: int | None = Field(None, ge=0, description="Characters of the content that come before it. Default: all.")


class TextContent(Config):
    type: Literal["text"]
    text: Text


class MotionContent(Config):
    type: Literal["motion"]
    motion: MotionReference


Content = Annotated[TextContent | MotionContent, Field(discriminator="type")]


class ChatMessage(Config):
    """A message. An answer may be sent back as it was received."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Text | Annotated[list[Content], Field(max_length=64)] | None = None
    motions: list[AnswerMotion] | None = Field(None, max_length=16, description="Of an answer.")
    name: Text | None = Field(None, description="Is not looked at.")
    refusal: None = None
    audio: None = None
    function_call: None = None
    tool_calls: None = None
    annotations: list[Any] | None = Field(None, max_length=0)


class StreamOptions(Config):
    include_usage: bool = False
    include_joints: bool = Field(False, description="Each step of a motion brings the positions of its new frames.")


class ChatRequest(Config):
    """OpenAI's fields, and those of motion. A field of OpenAI's that is not here is refused."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"messages": [{"role": "user", "content": "Two people shake hands."}], "duration": 4, "seed": 1},
                {
                    "messages": [
                        {
                            "role": "user",
                            "content": [
                                {"type": "motion", "motion": {"id": MOTION_ID}},
                                {"type": "text", "text": "Make it more forceful."},
                            ],
                        }
                    ],
                    "stream": True,
                },
            ]
        }
    )  # fmt: skip

    messages: list[ChatMessage] = Field(min_length=1, max_length=200)
    model: Text | None = Field(None, description="The one that /v1/models names. Default: that.")
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: int | None = Field(None, ge=1, le=64, description="Answers to choose from; their seeds follow one another.")
    seed: int | None = Field(None, ge=0, le=2**53, description="The same seed gives the same answer. Default: drawn.")
    temperature: float | None = Field(None, ge=0, le=2, description="Of motion. Default: 0.6.")
    top_p: float | None = Field(None, gt=0, le=1, description="Of motion. Default: 0.95.")
    guidance: float | None = Field(
        None, ge=0, le=10, description="Of motion: how far it goes from what would come whatever is said. Default: the model's."
    )
    text_temperature: float | None = Field(None, ge=0, le=2, description="Of words. Default: 0, the likeliest.")
    max_tokens: int | None = Field(
        None, ge=1, le=1000, description="Of the words (default 200); a motion is as long as `duration` says."
    )
    max_completion_tokens: int | None = Field(None, ge=1, le=1000, description="OpenAI's newer name of `max_tokens`.")
    duration: float | None = Field(None, ge=0.5, le=10, description="Seconds of the motion. Default: as long as it takes.")
    motion: Literal["any", "must", "no"] = Field("any", description="Whether the answer holds a motion.")
    people: Literal["ab", "a"] | None = Field(None, description="Who is in the motion. Default: as the conversation asks.")
    continues: bool = Field(False, description="The motion goes on from the one that the message is about.")
    drafts: int | None = Field(
        None,
        ge=1,
        le=8,
        description="Of so many drafts of a motion made from words the best is kept (default 4); in a stream 1.",
    )
    session: Id | None = Field(None, description="A kept conversation; `messages` is then the new message of the user alone.")
    parent: Id | None = Field(
        "current", description="The turn of it that this one follows: an id, null for none, or its current one."
    )
    frequency_penalty: Literal[0] | None = None
    presence_penalty: Literal[0] | None = None
    response_format: dict[Literal["type"], Literal["text"]] | None = None
    user: Text | None = Field(None, description="Is not looked at.")
    metadata: dict[str, Any] | None = Field(None, description="Is not looked at.")
    store: bool | None = Field(None, description="Is not looked at; `session` keeps a conversation.")


class NewSession(Config):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"title": "A greeting", "system": "You are the shy newcomer. The user is the host."}]}
    )

    title: str = Field("", max_length=200)
    system: Text = Field("", description="Who the model is, in place of what it was trained with.")


class SessionChanges(Config):
    model_config = ConfigDict(json_schema_extra={"examples": [{"title": "A bow"}, {"current": TURN_ID}]})

    title: str | None = Field(None, max_length=200)
    current: Id | None = Field(None, description="The turn after which it goes on; null: before the first.")


# -- what goes out -----------------------------------------------------------------------------------------------------------


class ErrorDetail(BaseModel):
    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorBody(BaseModel):
    """Every error has OpenAI's shape; the message is a sentence that says what to do."""

    error: ErrorDetail


class MotionObject(BaseModel):
    id: str
    object: Literal["motion"] = "motion"
    created: int
    name: str
    people: Literal["ab", "a"]
    num_frames: int
    fps: float
    duration: float
    made: bool = Field(description="By the model, not given by a user.")
    source: str | None = Field(description="The motion that it was made from.")
    files: dict[str, str] = Field(description="Where it is fetched in each format.")

    model_config = ConfigDict(json_schema_extra={"examples": [{
        "id": MOTION_ID, "object": "motion", "created": 1760000000, "name": "Two people shake hands.", "people": "ab",
        "num_frames": 120, "fps": 30.0, "duration": 4.0, "made": True, "source": None,
        "files": {ending: f"/v1/motions/{MOTION_ID}{ending}" for ending in WRITABLE},
    }]})  # fmt: skip


class AnswerMotionObject(MotionObject):
    """A motion in an answer, which may be sent back as it is."""

    offset: int = Field(description="Characters of the content that come before it.")
    start: int = Field(description="The frame, in whole steps, from which on it is new: before it is what it goes on with.")


class MotionList(BaseModel):
    object: Literal["list"] = "list"
    data: list[MotionObject]
    has_more: bool


class SessionObject(BaseModel):
    id: str
    object: Literal["session"] = "session"
    created: int
    changed: int
    title: str
    system: str
    current: str | None


class SessionList(BaseModel):
    object: Literal["list"] = "list"
    data: list[SessionObject]
    has_more: bool


class TurnObject(BaseModel):
    id: str
    object: Literal["turn"] = "turn"
    parent: str | None
    created: int
    message: list[dict[str, Any]] = Field(description="The user's, as content parts.")
    answer: list[dict[str, Any]] = Field(description="As content parts.")
    settings: dict[str, Any]
    tokens: int
    model: str


class WholeSession(SessionObject):
    turns: list[TurnObject] = Field(description="Each after its parent.")


class Deleted(BaseModel):
    id: str
    deleted: Literal[True] = True


class ModelObject(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "vimotion"


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[ModelObject]


class Health(BaseModel):
    status: Literal["ok", "stopping"]
    version: str
    model: str
    load: int = Field(description="Answers that are being written or wait.")
    slots: int


class Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class AnswerMessage(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str | None
    motions: list[AnswerMotionObject]


class Choice(BaseModel):
    index: int
    message: AnswerMessage
    finish_reason: Literal["stop", "length"]
    logprobs: None = None
    seed: int
    turn: str | None = Field(description="In its kept conversation.")


class ChatCompletion(BaseModel):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
