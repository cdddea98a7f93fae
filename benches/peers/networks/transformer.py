"""Decoding of the Transformer-XL in PyTorch, with keys and values kept: as fast as it goes without another library.

The cache is allocated once; rings of `memory + 1` rows, as in the library. The projected encodings of the distances
are computed once and held twice, backwards, so that those of the ring's rows in order are a view.
"""

import copy
import math

import numpy as np
import torch
from torch.nn import functional as F

from inputs import Inputs

COMPARED = 8


class Decoder:
    def __init__(self, network, sinusoids, batch, dtype=torch.float32):
        c = self.config = network.c
        self.whole, self.network = network, copy.deepcopy(network).to(dtype)
        self.rows, self.position = c["memory"] + 1, 0
        encoded = sinusoids(self.rows, c["d_model"], torch.zeros(1))
        self.cache = []
        for layer in network.layers:
            key, value = torch.zeros(2, batch, c["heads"], self.rows, c["d_head"], dtype=dtype)
            # Heads, then distances; backwards, twice.
            places = self.by_head(layer.attention.positions(encoded)).flip(1).repeat(1, 2, 1)
            self.cache.append((key, value, places.transpose(1, 2).contiguous().to(dtype)))

    def by_head(self, rows):
        return rows.unflatten(-1, (self.config["heads"], self.config["d_head"])).transpose(-3, -2)

    def start(self, prompts):
        """Reads prompts [batch, time] of at most the memory's length, by the whole network and with 32 bits."""
        _, entered = self.whole(prompts)
        time = self.position = prompts.shape[1]
        for layer, states, (keys, values, _) in zip(self.whole.layers, entered, self.cache):
            states = layer.attention_norm(states) if self.config["pre_norm"] else states
            _, key, value = layer.attention.qkv(states).chunk(3, -1)
            keys[:, :, :time], values[:, :, :time] = self.by_head(key), self.by_head(value)

    def push(self, tokens):
        """Tokens [batch] to logits [batch, vocabulary]."""
        network, c = self.network, self.config
        row, seen = self.position % self.rows, min(self.position + 1, self.rows)
        self.position += 1
        first = self.rows - 1 - row
        scale = 1.0 / math.sqrt(c["d_head"])
        content_bias, position_bias = network.content_bias[:, None], network.position_bias[:, None]
        x = network.embedding[tokens] * math.sqrt(c["d_model"])
        for layer, (key, value, places) in zip(network.layers, self.cache):
            entering = layer.attention_norm(x) if c["pre_norm"] else x
            heads = layer.attention.qkv(entering).view(len(x), 3, c["heads"], 1, c["d_head"])
            query = heads[:, 0]
            key[:, :, row], value[:, :, row] = heads[:, 1, :, 0], heads[:, 2, :, 0]
            by_place = (query + position_bias) @ places[:, :, first : first + seen]
            mixed = self.attend(query + content_bias, key[:, :, :seen], value[:, :, :seen], by_place, scale)
            x = x + layer.attention.output(mixed.reshape(len(x), -1))
            if not c["pre_norm"]:
                x = layer.attention_norm(x)
            entering = layer.feed_forward_norm(x) if c["pre_norm"] else x
            x = x + layer.contract(F.relu(layer.expand(entering)))
            if not c["pre_norm"]:
                x = layer.feed_forward_norm(x)
        return F.linear(network.last_norm(x), network.embedding, network.output_bias)

    @staticmethod
    def attend(query, key, value, by_place, scale):
        scores = (query @ key.transpose(2, 3) + by_place) * scale
        return torch.softmax(scores, -1) @ value


class FusedAttention(Decoder):
    """PyTorch's own attention, the term of the positions as an additive mask."""

    @staticmethod
    def attend(query, key, value, by_place, scale):
        return F.scaled_dot_product_attention(query, key, value, by_place * scale, scale=scale)


def decoder(network, sinusoids, mode, batch):
    kind = FusedAttention if mode == "sdpa" else Decoder
    return kind(network, sinusoids, batch, torch.bfloat16 if mode == "bf16" else torch.float32)


class Decoding:
    """One token a sequence after a full context, as `examples/time_networks/transformer.rs` does it."""

    def __init__(self, decoder, batch):
        self.decoder, self.batch, self.config = decoder, batch, decoder.config
        self.restart()
        self.once()

    def token(self):
        return self.inputs.below(self.config["vocabulary"])

    def restart(self):
        self.inputs = Inputs()
        prompts = [[self.token() for _ in range(self.config["memory"])] for _ in range(self.batch)]
        self.decoder.start(torch.tensor(prompts))

    def once(self):
        return self.decoder.push(torch.tensor([self.token() for _ in range(self.batch)]))

    def outputs(self):
        self.restart()
        return np.stack([self.once().float().numpy() for _ in range(COMPARED)])
