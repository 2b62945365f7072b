# SPDX-License-Identifier: Apache-2.0
"""make bench: speed against PyTorch, overlap of reading and training or computing features, saving to a slow disk,
monitors, probes of a control's permutations, intervals of scores, and a pool's daemon; one JSON object.

usage: run.py [--build build] [--seconds 10] [--rounds 3] [--out build/bench.json]

The training step is timed in turns (ours, PyTorch, ours, ...) so that both see the same machine; medians are compared.
PyTorch comes from PyPI with its own BLAS into BUILD/torch, once; TORCH_PYTHON names another Python that has it. Without
it the rows that need it give the reason. No ratio is printed when PyTorch's 1024^3 product runs at under 60 % of ours:
such a PyTorch is crippled.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def torch_python(build):
    """A Python with PyTorch, or None and the reason."""
    python = os.environ.get("TORCH_PYTHON")
    if python:
        return python, None
    python = os.path.join(build, "torch", "bin", "python")
    if not os.path.exists(python):
        print("installing PyTorch into", os.path.join(build, "torch"), "(once, about 3 GB)", file=sys.stderr)
        for command in ([sys.executable, "-m", "venv", os.path.join(build, "torch")],
                        [python, "-m", "pip", "install", "-q", "torch", "numpy", "h5py", "pillow"]):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                return None, "PyTorch could not be installed: " + done.stderr.strip().splitlines()[-1]
    return python, None


def processor():
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def median_of(runs):
    return {"program": runs[0]["program"],
            "images_per_s": round(statistics.median(r["images_per_s"] for r in runs), 1),
            "images_per_s_runs": [r["images_per_s"] for r in runs],
            "gemm_1024_gflops": round(statistics.median(r["gemm_1024_gflops"] for r in runs), 1)}


def ratio(ours, peer):
    if peer["gemm_1024_gflops"] < 0.6 * ours["gemm_1024_gflops"]:
        return None, "PyTorch's product is under 60 % of ours: no fair ratio"
    return round(ours["images_per_s"] / peer["images_per_s"], 3), None


def bench_step(build, options):
    ours_command = [os.path.join(build, "bench", "mae_step"), "--threads", "2", "--seconds", str(options.seconds)]
    python, reason = torch_python(build)
    peer_command = [python, "tools/bench/torch_mae.py", "--threads", "2", "--seconds", str(options.seconds)]
    ours, eager, compiled = [], [], []
    for _ in range(options.rounds):
        ours.append(run(ours_command))
        if python:
            eager.append(run(peer_command))
            compiled.append(run(peer_command + ["--compile"]))
    row = {"fovea": median_of(ours)}
    if not python:
        row["pytorch"] = {"skipped": reason}
        return row
    for name, runs in (("pytorch", eager), ("pytorch_compiled", compiled)):
        row[name] = median_of(runs)
        row["ratio_to_" + name], why = ratio(row["fovea"], row[name])
        if why:
            row["no_ratio"] = why
    return row


def bench_data(build, step):
    images = os.path.join(build, "bench-data")
    if not os.path.exists(os.path.join(images, "labels.csv")):
        subprocess.run([os.path.join(build, "synth"), images, "--images", "512", "--val", "0", "--test", "0"],
                       check=True, stdout=subprocess.DEVNULL)
    row = run([os.path.join(build, "bench", "overlap"), os.path.join(images, "train"), "96"])
    row["jpeg_to_training_ratio"] = round(row["jpeg_images_per_s"] / step["fovea"]["images_per_s"], 2)
    return row


def bench_control(build):
    row = run([os.path.join(build, "bench", "control_sets"), "--threads", "2"])
    row["limit_s"] = 120
    row["within_limit"] = row["seconds"] < row["limit_s"]
    return row


def bench_features(build, rounds):
    """Features of a pack against the forward pass alone: ViT-Tiny/16 at 224 px, of random weights."""
    images, pack, run_dir = (os.path.join(build, name) for name in ("bench-data", "bench-pack", "bench-encoder"))
    if not os.path.exists(os.path.join(pack, "pack.json")):
        subprocess.run([os.path.join(build, "stage"), "folder", images, "--out", pack], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.makedirs(run_dir, exist_ok=True)
    with open(os.path.join(run_dir, "config.ini"), "w") as file:
        file.write("[model]\npreset = vit_tiny\n")
    return run([os.path.join(build, "bench", "features"), run_dir + ":random", pack, "--rounds", str(rounds)])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", default="build/bench.json")
    options = parser.parse_args()
    step = bench_step(options.build, options)
    result = {"machine": {"processor": processor(), "cores": os.cpu_count()},
              "vit_tiny_mae_96px_batch64_fp32_2_threads": step,
              "input": bench_data(options.build, step),
              "monitors_every_100_steps": run([os.path.join(options.build, "bench", "monitor_step"), "--threads", "2",
                                               "--seconds", str(3 * options.seconds)]),
              "control_199_permutations_20000x768_binary": bench_control(options.build),
              "intervals_of_scores": [run([os.path.join(options.build, "bench", "intervals"), "--classes", classes])
                                      for classes in ("5", "2")],
              "features_vit_tiny_224px_fp32_2_threads": bench_features(options.build, options.rounds),
              "pool_8_gpus": run([sys.executable, "tools/bench/pool.py", "--build", options.build]),
              "slow_disk": run(["bash", "tools/bench/throttle.sh"], env=dict(os.environ, BUILD=options.build))}
    text = json.dumps(result, indent=2)
    with open(options.out, "w") as file:
        file.write(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
