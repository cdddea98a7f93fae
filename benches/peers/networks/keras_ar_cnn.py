"""The AR-CNN in Keras, with the weights of one of our files."""

import keras
from keras import layers


def build(config, tensors):
    """`tensors` by the names of the file. Dropout is left out: it does nothing outside training."""
    levels, filters = config["levels"], [config["filters"] << level for level in range(config["levels"] + 1)]
    loads = []

    def conv(x, name, size, outputs, activation="relu"):
        layer = layers.Conv2D(outputs, size, padding="same", activation=activation)
        # [out, in, height, width] to [height, width, in, out]
        loads.append((layer, [tensors[f"{name}.weight"].transpose(2, 3, 1, 0), tensors[f"{name}.bias"]]))
        return layer(x)

    def two(x, name, outputs):
        return conv(conv(x, f"{name}.conv1", 3, outputs), f"{name}.conv2", 3, outputs)

    def norm(x, name):
        if f"{name}.gamma" not in tensors:
            return x
        layer = layers.BatchNormalization(epsilon=1e-5)
        names = ("gamma", "beta", "running_mean", "running_var")
        loads.append((layer, [tensors[f"{name}.{part}"] for part in names]))
        return layer(x)

    rolls = x = keras.Input((config["steps"], config["pitches"], 1))
    skips = []
    for level in range(levels):
        skips.append(two(x, f"encoder.{level}.convs", filters[level]))
        x = norm(layers.MaxPooling2D(2)(skips[-1]), f"encoder.{level}.norm")
    x = two(x, "bottleneck", filters[levels])
    for index, level in enumerate(reversed(range(levels))):
        x = layers.Concatenate()([layers.UpSampling2D(2, interpolation="nearest")(x), skips[level]])
        x = two(norm(x, f"decoder.{index}.norm"), f"decoder.{index}.convs", filters[level])
    model = keras.Model(rolls, conv(x, "head", 1, 1, activation=None))
    for layer, weights in loads:
        layer.set_weights(weights)
    return model
