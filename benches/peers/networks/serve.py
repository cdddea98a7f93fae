#!/usr/bin/env python3
"""A network of ours in PyTorch or Keras, timed as `examples/time_networks` times it.

    python benches/peers/networks/serve.py modes ar-cnn|transformer-xl|gan-generator
    python benches/peers/networks/serve.py serve WEIGHTS --mode "PyTorch eager" [--batch 8]

The same lines on standard input, the same answers: see `examples/time_networks/main.rs`. The modes of PyTorch:

| mode | what |
|---|---|
| eager | as written |
| channels last | with that memory format |
| frozen | traced, `torch.jit.freeze`, `torch.jit.optimize_for_inference` |
| compiled | `torch.compile` with Inductor's freezing; needs a C++ compiler |
| sdpa | attention by `scaled_dot_product_attention` |
| bf16 | weights, activations and cache in bfloat16 |
"""

import argparse
import json
import os
import resource
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TORCHINDUCTOR_FREEZING", "1")
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [HERE, os.path.join(HERE, "..", "..", "..", "examples", "interop")]

MODES = {
    "ar-cnn": [
        "PyTorch eager",
        "PyTorch channels last",
        "PyTorch frozen",
        "PyTorch compiled",
        "PyTorch channels last, compiled",
        "Keras predict",
        "TensorFlow function",
        "TensorFlow function, XLA",
    ],
    "transformer-xl": ["PyTorch eager", "PyTorch sdpa", "PyTorch bf16"],
    "gan-generator": [
        "PyTorch eager",
        "PyTorch channels last",
        "PyTorch frozen",
        "PyTorch compiled",
        "PyTorch channels last, compiled",
    ],
}


def prepare(path, mode, batch):
    import load_in_pytorch as interop
    import torch

    torch.set_grad_enabled(False)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))
    metadata, tensors = interop.read(path)
    config, kind = json.loads(metadata["config"]), metadata["model"]
    if mode not in MODES[kind]:
        sys.exit(f"{mode}: for {kind} there are {', '.join(MODES[kind])}")
    library, mode = mode.split(" ", 1)
    if library in ("Keras", "TensorFlow"):
        import ar_cnn
        import keras_ar_cnn

        return ar_cnn.Sampling(ar_cnn.Keras(keras_ar_cnn.build(config, tensors), mode), config)
    network, _ = interop.load(path)
    if kind == "ar-cnn":
        import ar_cnn

        network.steps, network.pitches = config["steps"], config["pitches"]
        return ar_cnn.Sampling(ar_cnn.Torch(network, mode), config)
    if kind == "gan-generator":
        import gan

        return gan.Accompanying(network, mode)
    import transformer

    return transformer.Decoding(transformer.decoder(network, interop.sinusoids, mode, batch), batch)


def timed(work, is_on):
    done, start = 0, time.perf_counter()
    while is_on(done, time.perf_counter() - start):
        work.once()
        done += 1
    return {"iterations": done, "seconds": time.perf_counter() - start}


def answer(work, line):
    command, _, argument = line.strip().partition(" ")
    if command == "run":
        work.once()
        return timed(work, lambda done, passed: done < 3 or passed < float(argument))
    if command == "repeat":
        return timed(work, lambda done, _: done < int(argument))
    if command == "outputs":
        numbers = work.outputs().astype("<f4")
        numbers.tofile(argument)
        return {"numbers": numbers.size}
    if command == "memory":
        return {"peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
    sys.exit(f"`{command}`: run, repeat, outputs and memory are known")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("modes").add_argument("kind", choices=MODES)
    serve = commands.add_parser("serve")
    serve.add_argument("weights")
    serve.add_argument("--mode", required=True)
    serve.add_argument("--batch", type=int, default=1)
    args = parser.parse_args()
    if args.command == "modes":
        print("\n".join(MODES[args.kind]))
        return
    start = time.perf_counter()
    work = prepare(args.weights, args.mode, args.batch)
    print(json.dumps({"mode": args.mode, "prepared_in": time.perf_counter() - start}), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(work, line)), flush=True)


if __name__ == "__main__":
    main()
