"""Eight bars of the GAN's generator, as `examples/time_networks/gan.rs` does it."""

import torch

from inputs import Inputs

WINDOWS = 4


class Accompanying:
    def __init__(self, network, mode):
        c = self.config = network.c
        inputs, size = Inputs(), (c["steps"], c["pitches"])
        attributes = c["genres"] + (c["tracks"] if c["track_mask"] else 0)
        one = [float(i == 0 or i + c["tracks"] >= attributes) for i in range(attributes)]
        self.melody = torch.from_numpy(inputs.cells(WINDOWS, 1, *size))
        self.chords = torch.from_numpy(inputs.cells(WINDOWS, 2, *size)) if c["chords"] else None
        self.latent = torch.from_numpy(inputs.latent(WINDOWS, c["latent_channels"], size[0] // 16, size[1] // 16))
        rolls = 2 * c["tracks"] - 1 if c.get("onsets") else c["tracks"]
        self.previous = torch.from_numpy(inputs.cells(WINDOWS, rolls, *size)) if c["previous"] else None
        self.attributes = torch.tensor([one] * WINDOWS) if attributes else None
        self.network = self.prepare(network, mode)
        self.once()

    def prepare(self, network, mode):
        if mode == "frozen":
            example = self.arguments(slice(0, 1) if self.config["previous"] else slice(None), self.previous)
            return torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(network, example)))
        if mode.startswith("channels last"):
            network = network.to(memory_format=torch.channels_last)
        return torch.compile(network) if mode.endswith("compiled") else network

    def arguments(self, windows, previous):
        if previous is self.previous and previous is not None:
            previous = previous[windows]
        chords = None if self.chords is None else self.chords[windows]
        parts = [self.melody[windows], self.latent[windows], chords, previous]
        parts.append(None if self.attributes is None else self.attributes[windows])
        while parts[-1] is None:
            parts.pop()
        return tuple(parts)

    def once(self):
        """All windows at once where no window sees the one before, otherwise in turn, silence before the first."""
        if not self.config["previous"]:
            return self.network(*self.arguments(slice(None), None))
        previous = -torch.ones(1, *self.previous.shape[1:])
        for window in range(WINDOWS):
            logits = self.network(*self.arguments(slice(window, window + 1), previous))
            previous = torch.where(logits >= 0, 1.0, -1.0)

    def outputs(self):
        if not self.config["previous"]:
            return self.once().numpy()
        windows = (slice(window, window + 1) for window in range(WINDOWS))
        return torch.cat([self.network(*self.arguments(window, self.previous)) for window in windows]).numpy()
