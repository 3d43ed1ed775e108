"""The loss of the language stages: cross-entropy on the tokens of the assistant's answers, and its parts by kind of token."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor, nn
from torch.nn.functional import pad
from transformers import PreTrainedModel

from vimotion.language.layout import Layout
from vimotion.language.rendering import IGNORED
from vimotion.language.vocabulary import CODES
from vimotion.training.alternatives import Alternatives, filled

Batch = dict[str, Tensor]


class AnswerLoss(nn.Module):
    """A causal language model that returns the loss of each labelled token of a batch of packed rows.

    Only the positions before a labelled token go through the head, which saves a tenth of the work.
    """

    def __init__(self, model: PreTrainedModel | PeftModel, alternatives: Alternatives | None = None) -> None:
        """`alternatives`: what each token is told apart from; None for the whole vocabulary."""
        super().__init__()
        self.model, self._alternatives = model, alternatives
        # by this name Accelerate finds the layers that FSDP2 is to shard one by one
        self._no_split_modules = self.causal._no_split_modules
        _in_one_precision(self.causal)

    @property
    def causal(self) -> Any:
        """The plain language model; adapters, if any, sit inside its layers."""
        return self.model.get_base_model() if isinstance(self.model, PeftModel) else self.model

    def forward(self, input_ids: Tensor, position_ids: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Rows (B, T) → losses and labels of the labelled tokens, (N,) each."""
        causal = self.causal
        shape = input_ids.shape
        if "flash" in str(causal.config._attn_implementation):
            # Flash attention tells packed examples apart by their positions, and only in a single row.
            input_ids, position_ids = input_ids.reshape(1, -1), position_ids.reshape(1, -1)
        hidden = causal.base_model(input_ids=input_ids, position_ids=position_ids, use_cache=False).last_hidden_state
        return self._losses(hidden.reshape(*shape, -1), labels)

    @torch.compiler.disable  # how many tokens have labels changes from batch to batch
    def _losses(self, hidden: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        # a row's first token is never labelled, so what follows a position is the next token of the same example
        following = torch.cat([labels[:, 1:], torch.full_like(labels[:, :1], IGNORED)], dim=1)
        places = (following != IGNORED).flatten().nonzero()[:, 0]
        labelled, states, head = following.flatten()[places], hidden.flatten(0, 1), self.causal.get_output_embeddings()
        if self._alternatives is not None:
            families = self._alternatives.logits(head.weight, states[places], labelled)
            found = [(_cross_entropy(logits, at), own) for logits, at, own in families]
            return torch.cat([losses for losses, _ in found]), torch.cat([own for _, own in found])
        return _cross_entropy(head(states[filled(places)]), labelled), labelled


def _cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Losses (n,) of as many rows of logits (n + some, V) as there are targets."""
    losses: Tensor = _CrossEntropy.apply(logits, pad(targets, (0, len(logits) - len(targets))))
    return losses[: len(targets)]


class _CrossEntropy(torch.autograd.Function):
    """Cross-entropy (N,) of logits (N, V), with the chances kept in the precision of the logits, as their gradient is.

    With the usual one a large vocabulary costs half a dozen passes in float32, on a CPU an eighth of a step.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> Tensor:
        with torch.autocast(logits.device.type, enabled=False):
            chances = logits.softmax(-1)
        ctx.save_for_backward(chances, targets)
        own = chances.gather(1, targets[:, None])[:, 0].float()
        return -own.clamp_min(torch.finfo(torch.float32).tiny).log()

    @staticmethod
    def backward(ctx: Any, given: Tensor) -> tuple[Tensor, None]:
        chances, targets = ctx.saved_tensors
        gradient = chances * given[:, None].to(chances.dtype)
        gradient[torch.arange(len(targets), device=targets.device), targets] -= given.to(chances.dtype)
        return gradient, None


def _in_one_precision(model: PreTrainedModel) -> None:
    """Under autocast, give what flows between the layers the precision of their products.

    Norms and embedding have float32 weights and would make float32 of it, to be rounded again by every product that reads it.
    """

    def round_off(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        kind = output.device.type
        return output.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else output

    for module in model.modules():
        if module is model.get_input_embeddings() or type(module).__name__.endswith("RMSNorm"):
            module.register_forward_hook(round_off)


def answer_loss(model: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss function that `run_loop` takes: mean over all labelled tokens."""
    losses, _ = model(**batch)
    return losses.mean(), {}


def validation(batches: Iterable[Batch], layout: Layout) -> Callable[[nn.Module], dict[str, float]]:
    """What `run_loop` takes as `evaluate`: mean loss of held-out examples, over all labelled tokens and by their kind.

    "validation_text" is the words and ends of turn, "validation_frame" start, people and end of motions,
    "validation_place" where people start, "validation_level_0" the codes of the coarsest level, and so on.
    """
    kept = list(batches)

    def evaluate(model: nn.Module) -> dict[str, float]:
        device = next(model.parameters()).device
        found = [model(**{name: tensor.to(device) for name, tensor in batch.items()}) for batch in kept]
        losses, labels = torch.cat([losses for losses, _ in found]), torch.cat([labels for _, labels in found])
        frame = torch.tensor([layout.start, layout.end, *layout.who.values()], device=device)
        kinds = {"loss": torch.ones_like(labels, dtype=torch.bool), "frame": torch.isin(labels, frame)}
        kinds["place"] = (labels >= layout.place_ids(0).start) & (labels < layout.code_ids.start)
        for level in range(layout.spec.levels):
            both = (layout.level_ids(level, person) for person in CODES)
            kinds[f"level_{level}"] = torch.stack([(labels >= ids.start) & (labels < ids.stop) for ids in both]).any(0)
        kinds["text"] = labels < layout.first_id
        return {f"validation_{name}": float(losses[mask].mean()) for name, mask in kinds.items() if mask.any()}

    return evaluate
