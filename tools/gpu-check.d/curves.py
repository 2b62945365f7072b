# SPDX-License-Identifier: Apache-2.0
"""The part curves: a small model learns the same on the GPU as on the CPU, in each precision, and twice the same bits."""
import filecmp
import os

from losses import distance, falls, windows
from part import BACKEND, Failure
from problem import SMALL, export, ours, synth

PRECISIONS = ("fp32", "bf16", "fp8")
# Half a ViT-Tiny with a small decoder: a step takes two cores a tenth of a second. The rate is low and the images
# repeat seldom, so rounding is not amplified: on the CPU, BF16 and FP8 end 0.1 % from FP32.
TINY = ["image_size=64", "patch_size=8", "depth=6", "decoder_dim=96", "decoder_depth=1", "decoder_heads=3"]
LAST_PART = 0.01


def curves(part):
    gpu = BACKEND == "cuda"
    steps, batch, ring = (300, 32, 64) if gpu else (24, 8, 4)
    sets = ["model.preset=vit_tiny", "optim.base_lr=" + ("2e-4" if gpu else "3e-3")]
    sets += ["model." + key for key in (TINY if gpu else SMALL)]
    # ViT-B's recipe with another batch size.
    folder, _ = export(part, "curves", "vit_base.ini", sets, "--batch", batch, "--ring", ring, "--steps", steps,
                       "--images", synth(part, batch * ring, 64))

    def follow(*arguments, **options):
        return ours(part, "follow", folder, *arguments, "--steps", steps, **options)["losses"]

    reference = follow("fp32", backend="cpu")
    # The effect of chance on a curve: other masks on the same images. Rounding may have no larger effect, and a smaller
    # one in the last part, by which a recipe is judged.
    spread = max(distance(follow("fp32", "--masks", masks, backend="cpu"), reference) for masks in (1, 2))
    part.figures.update({"steps": steps, "cpu": [round(x, 5) for x in windows(reference)],
                         "spread_of_seeds": spread})
    fallen = [] if falls(reference) else ["the CPU's loss does not fall"]
    for precision in PRECISIONS:
        files = [os.path.join(part.folder, f"{precision}-{i}.safetensors") for i in range(2)]
        twice = [follow(precision, "--out", file, "--after") for file in files]
        found = {"losses": [round(x, 5) for x in windows(twice[0])], "distance": distance(twice[0], reference),
                 "last_part": abs(windows(twice[0])[-1] / windows(reference)[-1] - 1),
                 "same_losses": twice[0] == twice[1], "same_weights": filecmp.cmp(*files, shallow=False)}
        part.figures[precision] = found
        if not found["distance"] <= spread:
            fallen.append(f"{precision}: {found['distance']:.4f} from the CPU's curve, other seeds are {spread:.4f} from it")
        if not found["last_part"] <= LAST_PART:
            fallen.append(f"{precision}: ends {found['last_part']:.4f} from the CPU's loss")
        if not (found["same_losses"] and found["same_weights"]):
            fallen.append(f"{precision}: two runs differ")
    if fallen:
        raise Failure("; ".join(fallen))
