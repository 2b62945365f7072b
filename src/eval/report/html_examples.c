/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/report/html_examples.h"

#include "base/digest.h"
#include "eval/draw/heat.h"
#include "eval/draw/markup.h"
#include "eval/draw/words.h"

#include <math.h>
#include <string.h>

static Words name_call(const Evaluation *ev, double call) {
    Words words;
    const EvalKind kind = ev->rows->kind;
    if (kind == EVAL_REGRESSION)
        return words_number(call);
    if (kind == EVAL_BINARY || kind == EVAL_MULTILABEL)
        snprintf(words.text, sizeof words.text, "%s", call == 1 ? "positive" : "negative");
    else
        snprintf(words.text, sizeof words.text, "class %d", (int)call);
    return words;
}

/* "Label positive; called negative, probability 0.912". */
static Words describe_example(const Evaluation *ev, const Example *e) {
    Words words;
    if (isnan(e->probability))
        snprintf(words.text, sizeof words.text, "Label %.60s; predicted %.60s, an error of %.60s",
                 words_number(e->label).text, words_number(e->call).text, words_number(e->call - e->label).text);
    else
        snprintf(words.text, sizeof words.text, "Label %.60s; called %.60s, probability %.60s",
                 name_call(ev, e->label).text, name_call(ev, e->call).text, words_number(e->probability).text);
    return words;
}

static void put_picture(const Example *e, const PngFile *png, const char *what, const char *words, FILE *out) {
    fprintf(out, "<img width=\"%d\" height=\"%d\" alt=\"%s ", e->side, e->side, what);
    markup_html(out, words);
    fputs("\" src=\"data:image/png;base64,", out);
    digest_print_base64(out, png->bytes, png->size);
    fputs("\"/>", out);
}

static void put_example(const Evaluation *ev, const Example *e, FILE *out) {
    const Words words = describe_example(ev, e);
    fputs("<figure><figcaption>", out);
    markup_html(out, words.text);
    fprintf(out,
            "<span>patches count %.2f to %.2f times as much as on average</span></figcaption>\n<div class=\"pair\">",
            e->least, e->most);
    put_picture(e, &e->image, "A test image as the encoder sees it.", words.text, out);
    put_picture(e, &e->heat, "The same image in grey, under the colours of its attention rollout.", words.text, out);
    fputs("</div></figure>\n", out);
}

static void put_side(const Evaluation *ev, bool right, FILE *out) {
    const bool numbers = ev->rows->kind == EVAL_REGRESSION;
    int count = 0;
    for (int i = 0; i < ev->example_count; i++)
        count += ev->examples[i].right == right;
    fprintf(out, "<h3>%s</h3>\n",
            numbers ? right ? "Smallest errors" : "Largest errors"
            : right ? "Right, the most probable calls"
                    : "Wrong, the most probable calls");
    if (!count)
        fputs("<p>There are none.</p>\n", out);
    fputs("<div class=\"examples\">\n", out);
    for (int i = 0; i < ev->example_count; i++)
        if (ev->examples[i].right == right)
            put_example(ev, &ev->examples[i], out);
    fputs("</div>\n", out);
}

/* What the colours are of. */
static void put_method(const Evaluation *ev, FILE *out) {
    const TaskFeatures tokens = ev->task->features.tokens;
    const char *of = tokens == TASK_CLS        ? "the class token"
                     : tokens == TASK_CLS_MEAN ? "the class token and the mean of all patches, a half each,"
                                               : "the mean of all patches";
    fprintf(
        out,
        "<p class=\"soft\">Attention rollout (Abnar and Zuidema, 2020): how much of each patch would be in %s, from "
        "which the features are made, if attention alone passed it on, averaged over heads and with half of each "
        "block's input kept. It is not a reason for the prediction: it knows neither values nor MLPs, nor what was "
        "learnt from the labels.</p>\n<p class=\"soft heat\">least ",
        of);
    draw_heat_key(out);
    fputs(" most, of each image by itself</p>\n", out);
}

void html_examples(const Evaluation *ev, FILE *out) {
    fputs("<h2>Test images</h2>\n", out);
    if (ev->no_examples) {
        fprintf(out, "<p>None is shown: %s.</p>\n", ev->no_examples);
        return;
    }
    if (ev->rows->kind == EVAL_MULTILABEL) {
        fputs("<p>By the label <b>", out);
        markup_html(out, ev->cohort->label_names[0]);
        fputs("</b>.</p>\n", out);
    }
    put_method(ev, out);
    put_side(ev, true, out);
    put_side(ev, false, out);
}
