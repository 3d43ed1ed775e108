"""`/v1/chat/completions`: OpenAI's requests and replies with motions in them."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from vimotion.app.conversation import JsonMessage, JsonPart
from vimotion.app.faults import told
from vimotion.app.objects import motion_object, public_name, studio_of
from vimotion.app.replies import Asked, Finished, MotionNews, News, Reply, TextNews
from vimotion.app.schema import (
    AnswerMessage,
    AnswerMotionObject,
    ChatCompletion,
    ChatMessage,
    ChatRequest,
    Choice,
    Usage,
)  # fmt: skip
from vimotion.app.storage import Missing
from vimotion.app.studio import Studio
from vimotion.chat import Sampling, Wish
from vimotion.errors import UserError

router = APIRouter(tags=["chat"])
_log = logging.getLogger(__name__)
_STREAM = {"text/event-stream": {"schema": {"type": "string"}, "example": 'data: {"object": "chat.completion.chunk", …}\n\n'}}


@router.post(
    "/v1/chat/completions", response_model=ChatCompletion,
    responses={200: {"content": _STREAM, "description": "The answers, or with `stream` their pieces as they come."}},
)  # fmt: skip
async def complete(wanted: ChatRequest, request: Request, studio: Annotated[Studio, Depends(studio_of)]) -> Any:
    """Answer a conversation."""
    if wanted.model is not None and wanted.model != public_name(studio.model):
        raise Missing(f"There is no model {wanted.model!r}; this server has {public_name(studio.model)!r}.")
    asked = asked_of(wanted, studio.config.max_samples)
    began = time.monotonic()
    reply = await studio.ask(asked, watched=wanted.stream)
    if wanted.stream:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(_stream(wanted, request, studio, reply, began), 200, headers, "text/event-stream")
    async with _while_there(request, reply):
        finished = [news async for news in reply if isinstance(news, Finished)]
    _note(studio, asked, reply, finished, began)
    return ChatCompletion(
        id=_new_id(), created=int(time.time()), model=public_name(studio.model), usage=_usage(reply, finished),
        choices=[_choice(sample) for sample in finished],
    )  # fmt: skip


def asked_of(wanted: ChatRequest, max_samples: int) -> Asked:
    """What a request asks of the studio.

    Raises:
        UserError: its fields do not go together.
    """
    if (wanted.n or 1) > max_samples:
        raise UserError(f"This server gives {max_samples} answers to a request at most, not {wanted.n}.")
    if wanted.stream and (wanted.drafts or 1) > 1:
        raise UserError("A stream shows the first draft of a motion as it comes; leave out `drafts`, or `stream`.")
    if wanted.stream_options and not wanted.stream:
        raise UserError("`stream_options` goes with `stream`; leave it out.")
    if wanted.session and [message.role for message in wanted.messages] != ["user"]:
        raise UserError("The server knows what was said in a kept conversation; send the user's new message alone.")
    motion = Sampling(
        Sampling.temperature if wanted.temperature is None else wanted.temperature,
        top_p=Sampling.top_p if wanted.top_p is None else wanted.top_p,
        guidance=wanted.guidance,
    )
    fields: dict[str, Any] = {"motion": wanted.motion, "continues": wanted.continues, "people": wanted.people}
    fields["duration"] = wanted.duration
    if words := wanted.max_completion_tokens or wanted.max_tokens:
        fields["max_words"] = words
    if wanted.drafts is not None:
        fields["drafts"] = wanted.drafts
    seed = secrets.randbelow(2**31) if wanted.seed is None else wanted.seed
    settings = fields | {
        "temperature": motion.temperature, "top_p": motion.top_p, "guidance": motion.guidance,
        "text_temperature": wanted.text_temperature or 0.0,
    }  # fmt: skip
    wish = Wish(seed=seed, sampling=motion, words=Sampling(temperature=wanted.text_temperature or 0.0), **fields)
    messages = [_message(message) for message in wanted.messages]
    return Asked(messages, wish, wanted.n or 1, settings, wanted.session, wanted.parent)


def _message(message: ChatMessage) -> JsonMessage:
    role = "system" if message.role == "developer" else message.role
    if message.motions and role != "assistant":
        raise UserError("`motions` are those of an answer; in other messages a motion is a part of the content.")
    if isinstance(message.content, list):
        if message.motions:
            raise UserError("An answer has its motions in `motions` or among the parts of its content, not in both.")
        parts = [part.model_dump() for part in message.content]
        if role == "system" and any(part["type"] == "motion" for part in parts):
            raise UserError("A system message holds no motion; put it into a message of the user.")
        return role, parts
    text = message.content or ""
    cut, parts = 0, []
    for motion in message.motions or []:
        offset = len(text) if motion.offset is None else min(max(cut, motion.offset), len(text))
        parts += [
            _text(text[cut:offset].strip()),
            {"type": "motion", "motion": motion.model_dump(include={"id", "people", "start"})},
        ]
        cut = offset
    parts.append(_text(text[cut:].strip() if parts else text))
    return role, [part for part in parts if part["type"] == "motion" or part["text"]]


def _text(text: str) -> JsonPart:
    return {"type": "text", "text": text}


async def _stream(
    wanted: ChatRequest, request: Request, studio: Studio, reply: Reply, began: float
) -> AsyncIterator[str]:  # fmt: skip
    """The reply as server-sent events."""
    options = wanted.stream_options
    chunk = {
        "id": _new_id(), "object": "chat.completion.chunk", "created": int(time.time()), "model": public_name(studio.model)
    }  # fmt: skip

    def event(index: int, delta: dict[str, Any], **more: Any) -> str:
        choice = {"index": index, "delta": delta, "finish_reason": None, "logprobs": None} | more
        return _event(chunk | {"choices": [choice]})

    async with _while_there(request, reply), _ahead(reply) as ahead:
        finished: list[Finished] = []
        told_frames = [0] * len(reply.turns)
        try:
            for sample in range(len(reply.turns)):
                yield event(sample, {"role": "assistant", "content": ""})
            async for news in ahead:
                if isinstance(news, TextNews):
                    yield event(news.sample, {"content": news.text})
                elif isinstance(news, MotionNews):
                    step = _step(studio, news)
                    if options and options.include_joints:
                        joints = await asyncio.to_thread(_joints, news, told_frames[news.sample])
                        told_frames[news.sample] += len(joints["positions"])
                        step["joints"] = joints
                    yield event(news.sample, {"motion": step})
                else:
                    finished.append(news)
                    for motion in _answer(news).motions:
                        yield event(news.sample, {"motion": motion.model_dump() | {"done": True}})
                    ending = _choice(news)
                    yield event(news.sample, {}, finish_reason=ending.finish_reason, seed=ending.seed, turn=ending.turn)
        except Exception as error:
            yield f"data: {bytes(told(error).body).decode()}\n\n"
            return
        if options and options.include_usage:
            yield _event(chunk | {"choices": [], "usage": _usage(reply, finished).model_dump()})
        yield "data: [DONE]\n\n"
    _note(studio, reply.asked, reply, finished, began)


@asynccontextmanager
async def _ahead(reply: Reply) -> AsyncIterator[AsyncIterator[News]]:
    """The news of a reply that is made, kept and over in its own time, even if its reader does not read on."""
    queue: asyncio.Queue[News | Exception | None] = asyncio.Queue()

    async def make() -> None:
        try:
            async for news in reply:
                queue.put_nowait(news)
            queue.put_nowait(None)
        except Exception as error:
            queue.put_nowait(error)

    async def read() -> AsyncIterator[News]:
        while (news := await queue.get()) is not None:
            if isinstance(news, Exception):
                raise news
            yield news

    making = asyncio.create_task(make())
    try:
        yield read()
    finally:
        making.cancel()


def _event(content: dict[str, Any]) -> str:
    return f"data: {json.dumps(content, allow_nan=False)}\n\n"


def _step(studio: Studio, news: MotionNews) -> dict[str, Any]:
    spec, spoken = studio.model.codec.spec, news.spoken
    frames = spoken.steps * spec.step_frames
    return {"id": news.motion_id, "people": spoken.people, "num_frames": frames, "fps": spec.fps, "done": False}


def _joints(news: MotionNews, told: int) -> dict[str, Any]:
    """The frames after the `told` first ones: (frames, people, 22, 3) metres."""
    positions = news.interaction.joint_positions[told:]
    return {"start": told, "positions": positions.round(4).tolist()}


def _answer(sample: Finished) -> AnswerMessage:
    """An answer's words in one string, its motions with their places in it."""
    content, motions = "", []
    rows = {row.id: row for row in sample.motions}
    for part in sample.parts:
        if part["type"] == "text":
            content += (" " if content else "") + part["text"]
        else:
            made = motion_object(rows[part["motion"]["id"]])
            motions.append(AnswerMotionObject(**made.model_dump(), offset=len(content), start=part["motion"]["start"]))
    return AnswerMessage(content=content or None, motions=motions)


def _choice(sample: Finished) -> Choice:
    return Choice(
        index=sample.sample, message=_answer(sample), finish_reason="length" if sample.cut else "stop", seed=sample.seed,
        turn=sample.turn.id if sample.turn else None,
    )  # fmt: skip


def _usage(reply: Reply, finished: list[Finished]) -> Usage:
    said = sum(sample.tokens for sample in finished)
    return Usage(prompt_tokens=reply.prompt_tokens, completion_tokens=said, total_tokens=reply.prompt_tokens + said)


@asynccontextmanager
async def _while_there(request: Request, reply: Reply) -> AsyncIterator[None]:
    """Cancels a reply when its client goes, and in any case at the end."""

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        reply.cancel()

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        reply.cancel()


def _note(studio: Studio, asked: Asked, reply: Reply, finished: list[Finished], began: float) -> None:
    fields: dict[str, Any] = {
        "samples": len(finished), "prompt_tokens": reply.prompt_tokens, "tokens": sum(sample.tokens for sample in finished),
        "seconds": round(time.monotonic() - began, 3), "waited": round(reply.job.waited, 3), "session": asked.session,
    }  # fmt: skip
    if studio.config.log_text:
        fields |= {"message": asked.messages[-1][1], "answers": [sample.parts for sample in finished]}
    _log.info("reply", extra={"fields": fields})


def _new_id() -> str:
    return f"chatcmpl-{secrets.token_hex(12)}"
