/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/convert_options.h"

#define AT(field) offsetof(ConvertArguments, field)

static const Option options[] = {
    {.name = "IN",
     .type = OPTION_PATH,
     .offset = AT(in),
     .help =
         "Weights: safetensors, an index of its shards, a file of torch.save (.pth, .pt, .bin), or a folder with one "
         "of these, such as a checkpoint of ./train."},
    {.name = "OUT",
     .type = OPTION_PATH,
     .offset = AT(out),
     .optional = true,
     .help =
         "The file to write; its ending says what: .safetensors, or .pth, .pt or .bin for PyTorch, {'model': ...}."},
    {.name = "--list",
     .type = OPTION_FLAG,
     .offset = AT(list),
     .help = "Prints name, type and shape of each tensor, and its name in IN where that is another. Writes nothing."},
    {.name = "--key",
     .value = "ENTRY",
     .type = OPTION_TEXT,
     .offset = AT(key),
     .unset = "model, teacher or state_dict, else the file's own dictionary",
     .help = "Entry of a PyTorch file that has the tensors."},
    {.name = "--encoder",
     .type = OPTION_FLAG,
     .offset = AT(encoder),
     .help = "Leaves out the decoder, the mask token and DINOv2's heads of training."},
    {0},
};

static const char *const examples[] = {
    "convert RETFound_mae_natureCFP.pth retfound.safetensors",
    "convert RETFound_dinov2_meh.pth --list",
    "convert runs/vit_base/ckpt/best encoder.pth --encoder",
    NULL,
};

static const ExitCode exits[] = {EXIT_USAGE, EXIT_DATA, EXIT_INTERNAL, EXIT_IO, EXIT_NO_MEMORY, EXIT_OK};

const Program convert_program = {
    .name = "convert",
    .summary = "convert the weights of vision transformers",
    .about =
        "Reads weights from any file that people have them in and writes them under the names of MAE and timm, bit for "
        "bit, as safetensors or for PyTorch.",
    .options = options,
    .notes = "A PyTorch file is a program in a small language. It is read without running anything: one that names a "
             "function which runs code or reaches the system is refused.\n"
             "Known are the names of MAE, timm, DINOv2 and Hugging Face's ViTMAE; the prefixes module., _orig_mod. and "
             "backbone. are stripped. Register tokens, gated MLPs and norms of queries and keys are refused by the "
             "tensor's name.",
    .examples = examples,
    .exits = exits,
};
