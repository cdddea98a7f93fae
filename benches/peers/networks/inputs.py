"""Inputs that both sides make for themselves: `examples/time_networks/inputs.rs` draws the same."""

import numpy as np


class Inputs:
    """Numbers of 24 bits: the top of a linear congruential generator (Knuth's MMIX constants)."""

    def __init__(self, seed=1):
        self.state = seed

    def bits(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        return self.state >> 40

    def below(self, end):
        return self.bits() * end >> 24

    def is_in(self, per_cent):
        return self.below(100) < per_cent

    def latent(self, *shape):
        count = int(np.prod(shape))
        return np.array([self.bits() / 4194304.0 - 2.0 for _ in range(count)], np.float32).reshape(shape)

    def cells(self, *shape):
        count = int(np.prod(shape))
        return np.array([1.0 if self.is_in(20) else -1.0 for _ in range(count)], np.float32).reshape(shape)
