"""What a run was made on and with."""

import datetime
import importlib.metadata
import os
import platform
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PYTHON = ("torch", "tensorflow", "tensorflow_cpu", "keras", "numpy", "symusic", "miditok")
CRATES = ("burn", "criterion", "pulp", "rayon")
INSTRUCTIONS = ("avx2", "fma", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "neon", "asimd", "bf16", "i8mm")


def describe():
    return {
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "versions": versions(),
        "commit": commit(),
    }


def machine():
    cpu = dict(re.findall(r"^(model name|flags|Features)\s*:\s*(.*)$", read("/proc/cpuinfo"), re.MULTILINE))
    memory = re.search(r"MemTotal:\s*(\d+) kB", read("/proc/meminfo"))
    flags = set(cpu.get("flags", cpu.get("Features", "")).split())
    return {
        "cpu": cpu.get("model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "instructions": [name for name in INSTRUCTIONS if name in flags],
        "caches": caches(),
        "memory_gib": round(int(memory.group(1)) / 2**20, 1) if memory else None,
        "system": f"{platform.system()} {platform.release()}",
        "load_before": os.getloadavg()[0],
    }


def caches():
    """Of the first core, such as `L1 Data 32K`."""
    folder, found = "/sys/devices/system/cpu/cpu0/cache", []
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        level, kind, size = (read(f"{folder}/{name}/{part}").strip() for part in ("level", "type", "size"))
        if level:
            found.append(f"L{level} {kind} {size}")
    return found


def versions():
    found = {"python": platform.python_version(), "rustc": output("rustc", "--version").removeprefix("rustc ")}
    for name in PYTHON:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    for lock in ("Cargo.lock", "benches/peers/candle/Cargo.lock"):
        for name, version in re.findall(r'name = "([^"]+)"\nversion = "([^"]+)"', read(os.path.join(ROOT, lock))):
            if name in CRATES or name.startswith("candle-t"):
                found.setdefault(name, version)
    return found


def commit():
    changed = output("git", "-C", ROOT, "status", "--porcelain", "--untracked-files=no")
    return output("git", "-C", ROOT, "rev-parse", "--short", "HEAD") + (" and changes" if changed else "")


def output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""
