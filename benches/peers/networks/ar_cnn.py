"""One sampling iteration of the AR-CNN, as `examples/time_networks/ar_cnn.rs` does it."""

import numpy as np

from inputs import Inputs

FLIPS = 8
RISK = 0.8


class Sampling:
    """`model` takes a roll [steps, pitches] of 0.0 and 1.0 as numpy has it; `.logits` gives logits of that shape as
    numpy has them, and `.draw` draws a cell from their softmax and returns its number."""

    def __init__(self, model, config):
        self.model, self.config = model, config
        self.restart()
        self.model.draw(self.roll)

    def restart(self):
        self.inputs = Inputs()
        shape = self.config["steps"], self.config["pitches"]
        cells = [self.inputs.is_in(5) for _ in range(shape[0] * shape[1])]
        self.roll = np.array(cells, np.float32).reshape(shape)

    def flip(self):
        step = self.inputs.below(self.config["steps"])
        pitch = self.inputs.below(self.config["pitches"])
        self.roll[step, pitch] = 1.0 - self.roll[step, pitch]

    def once(self):
        self.flip()
        self.model.draw(self.roll)

    def outputs(self):
        self.restart()
        for _ in range(FLIPS):
            self.flip()
        low, (steps, pitches) = self.config["lowest_pitch"], self.roll.shape
        wide = np.full((steps, 128), -np.inf, np.float32)
        wide[:, low : low + pitches] = self.model.logits(self.roll)
        return wide


class Torch:
    def __init__(self, network, mode):
        import torch

        self.torch, self.layout = torch, torch.contiguous_format
        if mode.startswith("channels last"):
            self.layout = torch.channels_last
            network = network.to(memory_format=self.layout)
        if mode.endswith("frozen"):
            roll = torch.zeros(1, network.steps, network.pitches)
            traced = torch.jit.freeze(torch.jit.trace(network, roll))
            network = torch.jit.optimize_for_inference(traced)
        elif mode.endswith("compiled"):
            network = torch.compile(network)
        self.network = network

    def forward(self, roll):
        return self.network(self.torch.from_numpy(roll)[None])

    def logits(self, roll):
        return self.forward(roll)[0].numpy()

    def draw(self, roll):
        probabilities = self.torch.softmax(self.forward(roll).flatten() / RISK, 0)
        return self.torch.multinomial(probabilities, 1).item()


class Keras:
    """As the published sampler does it: Keras `predict` once an edit, the rest in numpy; or a `tf.function`."""

    def __init__(self, network, mode):
        import tensorflow as tf

        self.tf, self.network, self.mode = tf, network, mode
        self.rng = np.random.default_rng(1)

        def draw(roll):
            return tf.random.categorical(tf.reshape(network(roll, training=False), [1, -1]) / RISK, 1)

        shape = (1, *network.input_shape[1:])
        compiled = dict(input_signature=[tf.TensorSpec(shape, tf.float32)], jit_compile="XLA" in mode)
        self.function = tf.function(lambda roll: network(roll, training=False), **compiled)
        self.draw_in_graph = tf.function(draw, **compiled)

    def logits(self, roll):
        roll = roll[None, :, :, None]
        if self.mode == "predict":
            return self.network.predict(roll, verbose=0)[0, :, :, 0]
        return self.function(roll).numpy()[0, :, :, 0]

    def draw(self, roll):
        if self.mode == "predict":
            logits = self.logits(roll).astype(np.float64).ravel() / RISK
            weights = np.exp(logits - logits.max())
            return self.rng.choice(weights.size, p=weights / weights.sum())
        return int(self.draw_in_graph(roll[None, :, :, None])[0, 0])
