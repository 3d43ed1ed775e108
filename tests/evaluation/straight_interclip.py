"""InterCLIP once more, straight down the page from its weights by their official names: what the import is held against.

Written from the published description of the network with nothing of `vimotion`, and in float64.
"""

import math

import torch


def names_and_shapes(width=1024, text_width=768, inner=2048, embedding=512, vocabulary=49408, layers=8):
    """Every weight of `interclip.ckpt` and its shape; the sizes are the official ones."""

    def transformer(prefix, size):
        return {
            f"{prefix}.layers.{number}.{name}": shape
            for number in range(layers)
            for name, shape in {
                "self_attn.in_proj_weight": (3 * size, size), "self_attn.in_proj_bias": (3 * size,),
                "self_attn.out_proj.weight": (size, size), "self_attn.out_proj.bias": (size,),
                "linear1.weight": (inner, size), "linear1.bias": (inner,),
                "linear2.weight": (size, inner), "linear2.bias": (size,),
                "norm1.weight": (size,), "norm1.bias": (size,), "norm2.weight": (size,), "norm2.bias": (size,),
            }.items()
        }  # fmt: skip

    return {
        "latent_scale": (1,),
        "positional_embedding": (77, text_width),
        "token_embedding.weight": (vocabulary, text_width),
        "motion_encoder.query_token": (1, width),
        "motion_encoder.embed_motion.weight": (width, 516),
        "motion_encoder.embed_motion.bias": (width,),
        "motion_encoder.sequence_pos_encoder.pe": (2000, width),
        **transformer("motion_encoder.transformer", width),
        "motion_encoder.out_ln.weight": (width,),
        "motion_encoder.out_ln.bias": (width,),
        "motion_encoder.out.weight": (embedding, width),
        "motion_encoder.out.bias": (embedding,),
        **transformer("textTransEncoder", text_width),
        "text_ln.weight": (text_width,),
        "text_ln.bias": (text_width,),
        "out.weight": (embedding, text_width),
        "out.bias": (embedding,),
    }


def made_up(shapes, seed=0):
    """A state dict of random numbers, some of them so large that no part of the network can be left out unseen."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes.items():
        if name.endswith(".pe"):
            state[name] = positions(*shape)
        elif "norm" in name or "_ln." in name:
            state[name] = 0.1 * torch.randn(shape, generator=generator) + (1.0 if name.endswith("weight") else 0.0)
        else:
            state[name] = torch.randn(shape, generator=generator) * (1.5 / math.sqrt(shape[-1]) if len(shape) > 1 else 0.1)
    state["latent_scale"] = torch.tensor([2.7])
    return state


def positions(length, width):
    table = torch.zeros(length, width)
    for position in range(length):
        angles = position / 10000 ** (torch.arange(0, width, 2, dtype=torch.float64) / width)
        table[position, 0::2], table[position, 1::2] = angles.sin().float(), angles.cos().float()
    return table


def motion_embedding(state, motion, heads):
    """(embedding,) of one motion (T, 2, 262), alone and without padding."""
    part = {name.removeprefix("motion_encoder."): value for name, value in state.items() if name.startswith("motion_encoder.")}
    without_contacts = torch.cat([motion[:, 0, :258], motion[:, 1, :258]], dim=-1).double()
    frames = without_contacts @ part["embed_motion.weight"].double().T + part["embed_motion.bias"].double()
    x = torch.cat([part["query_token"].double(), frames])
    x = x + part["sequence_pos_encoder.pe"][: len(x)].double()
    x = _transformer(x, part, "transformer", heads)
    x = _norm(x[0], part, "out_ln")
    return _to_length(x @ part["out.weight"].double().T + part["out.bias"].double(), state)


def text_embedding(state, tokens, heads):
    """(embedding,) of one row of 77 tokens; the largest token is the end, and what follows it is read too."""
    x = state["token_embedding.weight"][tokens].double() + state["positional_embedding"].double()
    x = _norm(_transformer(x, state, "textTransEncoder", heads), state, "text_ln")
    return _to_length(x[tokens.argmax()] @ state["out.weight"].double().T + state["out.bias"].double(), state)


def _transformer(x, state, name, heads):
    number = 0
    while f"{name}.layers.{number}.linear1.weight" in state:
        layer = f"{name}.layers.{number}"
        weight, bias = (state[f"{layer}.self_attn.in_proj_{kind}"].double() for kind in ("weight", "bias"))
        size, width = x.shape[-1], x.shape[-1] // heads
        mixed = []
        for head in range(heads):
            rows = slice(head * width, (head + 1) * width)
            query, key, value = (
                x @ weight[offset : offset + size][rows].T + bias[offset : offset + size][rows]
                for offset in (0, size, 2 * size)
            )
            scores = query @ key.T / math.sqrt(width)
            shares = torch.exp(scores - scores.amax(dim=1, keepdim=True))
            mixed.append(shares / shares.sum(dim=1, keepdim=True) @ value)
        attended = _linear(torch.cat(mixed, dim=1), state, f"{layer}.self_attn.out_proj")
        x = _norm(x + attended, state, f"{layer}.norm1")
        inner = _linear(x, state, f"{layer}.linear1")
        inner = inner * 0.5 * (1 + torch.erf(inner / math.sqrt(2)))
        x = _norm(x + _linear(inner, state, f"{layer}.linear2"), state, f"{layer}.norm2")
        number += 1
    return x


def _linear(x, state, name):
    return x @ state[f"{name}.weight"].double().T + state[f"{name}.bias"].double()


def _norm(x, state, name):
    centred = x - x.mean(dim=-1, keepdim=True)
    unit = centred / torch.sqrt(centred.square().mean(dim=-1, keepdim=True) + 1e-5)
    return unit * state[f"{name}.weight"].double() + state[f"{name}.bias"].double()


def _to_length(x, state):
    return x / x.norm() * state["latent_scale"].double()
