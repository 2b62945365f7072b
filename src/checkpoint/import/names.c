/* SPDX-License-Identifier: Apache-2.0 */
/* Hugging Face's names: ViTMAE of transformers up to 4 (as on the hub), as 5.24 saves it, and as 5.24 has it in memory.
 */
#include "checkpoint/import/names.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *from, *to;
    int third;
} NameRule;

static const NameRule layer_rules[] = {
    {"attention.attention.query.", "attn.qkv.", 0},
    {"attention.attention.key.", "attn.qkv.", 1},
    {"attention.attention.value.", "attn.qkv.", 2},
    {"attention.q_proj.", "attn.qkv.", 0},
    {"attention.k_proj.", "attn.qkv.", 1},
    {"attention.v_proj.", "attn.qkv.", 2},
    {"attention.output.dense.", "attn.proj.", -1},
    {"attention.o_proj.", "attn.proj.", -1},
    {"layernorm_before.", "norm1.", -1},
    {"layernorm_after.", "norm2.", -1},
    {"intermediate.dense.", "mlp.fc1.", -1},
    {"output.dense.", "mlp.fc2.", -1},
    {"mlp.fc1.", "mlp.fc1.", -1},
    {"mlp.fc2.", "mlp.fc2.", -1},
};

static const NameRule encoder_rules[] = {
    {"embeddings.cls_token", "cls_token", -1},
    {"embeddings.position_embeddings", "pos_embed", -1},
    {"embeddings.patch_embeddings.projection.", "patch_embed.proj.", -1},
    {"layernorm.", "norm.", -1},
};

static const NameRule decoder_rules[] = {
    {"mask_token", "mask_token", -1},         {"decoder_pos_embed", "decoder_pos_embed", -1},
    {"decoder_embed.", "decoder_embed.", -1}, {"decoder_norm.", "decoder_norm.", -1},
    {"decoder_pred.", "decoder_pred.", -1},
};

/* Where a stack of layers is, and what it becomes. */
static const NameRule encoder_layers[] = {{"encoder.layer.", "blocks.", -1}, {"layers.", "blocks.", -1}};
static const NameRule decoder_layers[] = {{"decoder_layers.", "decoder_blocks.", -1},
                                          {"decoder_encoder.layer.", "decoder_blocks.", -1}};

#define RULES(list) list, sizeof(list) / sizeof *(list)

/* What follows `prefix` in `text`; NULL when it does not begin so. */
static const char *after_prefix(const char *text, const char *prefix) {
    const size_t length = strlen(prefix);
    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

/* The rule whose `from` begins `name`. One that ends in a dot leaves *rest, the others are whole names. */
static const NameRule *find_rule(const NameRule *rules, size_t count, const char *name, const char **rest) {
    for (size_t i = 0; i < count; i++) {
        *rest = after_prefix(name, rules[i].from);
        if (*rest && (**rest == '\0') != (rules[i].from[strlen(rules[i].from) - 1] == '.'))
            return &rules[i];
    }
    return NULL;
}

/* The length of the number that `text` begins with, when a dot follows it; else 0. */
static size_t number_length(const char *text) {
    const size_t digits = strspn(text, "0123456789");
    return digits && text[digits] == '.' ? digits : 0;
}

/* Maps a name of a part (encoder or decoder); mapped->name stays NULL when it is not known. */
static Status map_part(const char *name, const NameRule *rules, size_t count, const NameRule *layers,
                       MappedName *mapped) {
    const char *rest, *leaf;
    const NameRule *rule = find_rule(layers, 2, name, &rest);
    if (rule) {
        const size_t number = number_length(rest);
        const NameRule *inner = number ? find_rule(RULES(layer_rules), rest + number + 1, &leaf) : NULL;
        if (!inner)
            return NULL;
        mapped->third = inner->third;
        return text_format(&mapped->name, "%s%.*s.%s%s", rule->to, (int)number, rest, inner->to, leaf);
    }
    rule = find_rule(rules, count, name, &rest);
    return rule ? text_format(&mapped->name, "%s%s", rule->to, rest) : NULL;
}

/* blocks.CHUNK.I.REST, as DINOv2 trains, is blocks.I.REST; I counts through all chunks. */
static Status map_chunk(const char *name, MappedName *mapped) {
    const char *rest = after_prefix(name, "blocks.");
    const size_t chunk = rest ? number_length(rest) : 0;
    if (!chunk || !number_length(rest + chunk + 1))
        return NULL;
    return text_format(&mapped->name, "blocks.%s", rest + chunk + 1);
}

static const char *strip_wrappers(const char *name) {
    static const char *const wrappers[] = {"module.", "_orig_mod.", "backbone."};
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++) {
        const char *rest = after_prefix(name, wrappers[i]);
        if (rest && *rest) {
            name = rest;
            i = (size_t)-1; /* from the first again */
        }
    }
    return name;
}

Status names_map(const char *name, MappedName *mapped) {
    *mapped = (MappedName){.third = -1};
    name = strip_wrappers(name);
    const char *vit = after_prefix(name, "vit."), *decoder = after_prefix(name, "decoder.");
    if (decoder)
        TRY(map_part(decoder, RULES(decoder_rules), decoder_layers, mapped));
    else
        TRY(map_part(vit ? vit : name, RULES(encoder_rules), encoder_layers, mapped));
    mapped->hugging_face = mapped->name != NULL;
    if (!mapped->name)
        TRY(map_chunk(name, mapped));
    return mapped->name ? NULL : text_format(&mapped->name, "%s", name);
}

const char *names_unsupported_part(const char *name) {
    static const struct {
        const char *piece, *part;
    } parts[] = {
        {"reg_token", "register tokens"},
        {"register_tokens", "register tokens"},
        {"dist_token", "a distillation token"},
        {".mlp.w12.", "a gated MLP"},
        {".mlp.w1.", "a gated MLP"},
        {".mlp.w2.", "a gated MLP"},
        {".mlp.w3.", "a gated MLP"},
        {".mlp.fc1_g.", "a gated MLP"},
        {".mlp.weights_in.", "a gated MLP"},
        {".mlp.gate_proj.", "a gated MLP"},
        {".attn.q_norm.", "norms of queries and keys"},
        {".attn.k_norm.", "norms of queries and keys"},
        {"relative_position", "relative positions"},
        {"rel_pos", "relative positions"},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(name, parts[i].piece))
            return parts[i].part;
    return NULL;
}
