# SPDX-License-Identifier: Apache-2.0
"""The models that bench and curves train: exported by tools/bench/mae_export.c, followed by our program."""
import json
import os

from part import BACKEND, ROOT, Failure, last_line, program

# Without a GPU only this script itself is tested.
SMALL = ["image_size=32", "patch_size=8", "dim=32", "depth=2", "heads=2", "decoder_dim=32", "decoder_depth=1",
         "decoder_heads=2"]


def answer(text):
    """The JSON object that a program printed, ignoring what a library printed."""
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    raise Failure("no result was printed: " + last_line(text))


def synth(part, images, size):
    """Draws photographs; returns the folder."""
    folder = os.path.join(part.folder, "photographs")
    part.need([program("synth"), folder, "--images", str(images), "--size", str(size), "--val", "0", "--test", "0"])
    return os.path.join(folder, "train")


def export(part, name, config, sets, *arguments):
    """The folder, and mae_export's description of the model."""
    folder = os.path.join(part.folder, name)
    sets = [word for key in sets for word in ("--set", key)]
    said = answer(part.need([program("bench/mae_export"), folder, "--config", os.path.join(ROOT, "configs", config),
                             *sets, *[str(a) for a in arguments]]))
    return folder, said


def ours(part, command, folder, precision, *arguments, backend=BACKEND, limit=None):
    status, text = part.run([program("bench/mae_bench"), command, folder, "--backend", backend, "--precision", precision,
                             "--threads", str(os.cpu_count()), *[str(a) for a in arguments]],
                            **({"limit": limit} if limit else {}))
    if status:
        raise Failure(f"mae_bench {command} {precision}: exit {status}: {last_line(text)}")
    return answer(text)
