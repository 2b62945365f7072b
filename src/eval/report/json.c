/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/report/json.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/version.h"
#include "eval/draw/words.h"
#include "eval/report/splits.h"

#include <math.h>
#include <string.h>

/* null for a count that is not known. */
static void put_count(Json *json, const char *key, int64_t count) {
    if (count < 0)
        json_null(json, key);
    else
        json_integer(json, key, count);
}

static void put_text(Json *json, const char *key, const char *text) {
    if (text)
        json_string(json, key, text);
    else
        json_null(json, key);
}

/* --- The task --- */

static const char *better_name(int sign) {
    return sign > 0 ? "higher" : sign < 0 ? "lower" : "neither";
}

static void put_task(Json *json, const Evaluation *ev) {
    const TaskConfig *task = ev->task;
    const EvalRows *rows = ev->rows;
    json_object(json, "task", JSON_INDENT);
    json_string(json, "name", ev->task_name);
    json_string(json, "path", ev->task_path);
    json_string(json, "hash", ev->task_hash);
    json_string(json, "kind", config_choice_name(&task_config, "data.kind", task->data.kind));
    json_array(json, "labels", JSON_LINE);
    for (int i = 0; i < rows->outputs; i++)
        json_string(json, NULL, ev->cohort->label_names[i]);
    json_end(json);
    if (rows->kind == EVAL_REGRESSION)
        json_null(json, "classes");
    else
        json_integer(json, "classes", rows->classes);
    json_double(json, "positive_from", task->data.positive_from == 0 ? NAN : task->data.positive_from);
    json_string(json, "split", config_choice_name(&task_config, "data.split", (int)task->data.split));
    json_string(json, "tokens", config_choice_name(&task_config, "features.tokens", (int)task->features.tokens));
    json_string(json, "view", config_choice_name(&task_config, "features.view", (int)task->features.view));
    put_count(json, "image_size", task->features.image_size ? task->features.image_size : -1);
    json_string(json, "adaptation", config_choice_name(&task_config, "adapt.method", (int)task->adapt.method));
    json_string(json, "metric", ev->metric.name);
    json_string(json, "better", better_name(ev->metric.sign));
    json_double(json, "chance", ev->metric.chance);
    json_end(json);
}

static void put_data(Json *json, const char *key, const Cohort *cohort, const char *path) {
    json_object(json, key, JSON_INDENT);
    put_text(json, "task", path);
    json_hash(json, "data_hash", cohort->records.hash);
    json_hash(json, "label_hash", cohort->label_hash);
    json_array(json, "packs", JSON_INDENT);
    for (int i = 0; i < cohort->records.part_count; i++) {
        const RecordsPart *part = &cohort->records.parts[i];
        json_object(json, NULL, JSON_INDENT);
        put_text(json, "dataset", part->pack.info.dataset);
        put_text(json, "version", part->pack.info.dataset_version);
        json_bool(json, "licensed", part->pack.info.licensed);
        json_integer(json, "records", part->count);
        json_hash(json, "hash", part->pack.hash);
        json_hash(json, "split_hash", part->pack.split_hash);
        json_end(json);
    }
    json_end(json);
    json_end(json);
}

static void put_splits(Json *json, const Split splits[SPLITS]) {
    json_array(json, "splits", JSON_INDENT);
    for (int i = 0; i < SPLITS; i++) {
        const Split *split = &splits[i];
        json_object(json, NULL, JSON_INDENT);
        json_string(json, "name", split_name((ProbeSplit)i));
        json_integer(json, "images", split->images);
        put_count(json, "people", split->people);
        json_array(json, "classes", JSON_LINE);
        for (int c = 0; c < split->class_count; c++)
            json_integer(json, NULL, split->classes[c]);
        json_end(json);
        json_double(json, "mean", split->mean);
        json_double(json, "deviation", split->deviation);
        json_end(json);
    }
    json_end(json);
}

/* --- Figures --- */

static void put_interval(Json *json, const char *key, const Interval *interval) {
    if (!interval->method) {
        json_null(json, key);
        return;
    }
    json_object(json, key, JSON_LINE);
    json_double(json, "low", interval->low);
    json_double(json, "high", interval->high);
    json_double(json, "error", interval->error);
    json_string(json, "method", interval->method);
    json_end(json);
}

static void put_label(Json *json, const Evaluation *ev, int part) {
    if (part < 0)
        json_null(json, "part");
    else
        json_string(json, "part", words_part(ev->rows, ev->cohort->label_names, part).text);
}

static void put_estimate(Json *json, const char *key, const Evaluation *ev, const Estimate *e) {
    json_object(json, key, JSON_INDENT);
    json_string(json, "name", e->name);
    put_label(json, ev, e->part);
    json_double(json, "at", e->at);
    json_string(json, "better", better_name(e->better == FIGURE_HIGHER ? 1 : e->better == FIGURE_LOWER ? -1 : 0));
    json_double(json, "chance", e->chance);
    json_double(json, "value", e->value);
    put_interval(json, "interval", &e->interval);
    json_array(json, "beside", JSON_INDENT);
    for (int i = 0; i < INTERVALS_BESIDE; i++)
        if (e->beside[i].method)
            put_interval(json, NULL, &e->beside[i]);
    json_end(json);
    put_text(json, "reason", e->reason);
    json_integer(json, "images", e->images);
    put_count(json, "people", e->people);
    json_end(json);
}

static void put_level(Json *json, const char *key, const Evaluation *ev, const ScoreLevel *level) {
    json_object(json, key, JSON_INDENT);
    put_count(json, "people", level->people);
    json_integer(json, "mixed", level->mixed);
    put_text(json, "reason", level->reason);
    json_array(json, "figures", JSON_INDENT);
    for (int i = 0; i < level->count; i++)
        put_estimate(json, NULL, ev, &level->list[i]);
    json_end(json);
    json_end(json);
}

/* --- Curves --- */

/* The points' coordinates as two lists. */
static void put_points(Json *json, const char *key, const char *x, const char *y, const CurvePoint *list, int count) {
    json_object(json, key, JSON_INDENT);
    json_array(json, x, JSON_LINE);
    for (int i = 0; i < count; i++)
        json_real(json, NULL, list[i].x);
    json_end(json);
    json_array(json, y, JSON_LINE);
    for (int i = 0; i < count; i++)
        json_real(json, NULL, list[i].y);
    json_end(json);
    json_end(json);
}

static void put_curves(Json *json, const Evaluation *ev, const ScorePart *part) {
    json_object(json, NULL, JSON_INDENT);
    put_label(json, ev, part->part);
    put_points(json, "roc", "false_positive_rate", "sensitivity", part->roc, part->roc_count);
    put_points(json, "pr", "recall", "precision", part->pr, part->pr_count);
    json_array(json, "calibration", JSON_INDENT);
    for (int i = 0; i < part->bin_count; i++) {
        json_object(json, NULL, JSON_LINE);
        json_double(json, "predicted", part->bins[i].predicted);
        json_double(json, "observed", part->bins[i].observed);
        json_integer(json, "images", part->bins[i].images);
        json_end(json);
    }
    json_end(json);
    json_array(json, "decision", JSON_INDENT);
    for (int i = 0; i < part->decision_count; i++) {
        json_object(json, NULL, JSON_LINE);
        json_double(json, "at", part->decision[i].at);
        json_double(json, "model", part->decision[i].model);
        json_double(json, "everyone", part->decision[i].everyone);
        json_end(json);
    }
    json_end(json);
    json_end(json);
}

static void put_confusion(Json *json, const Evaluation *ev, const Confusion *c) {
    json_object(json, NULL, JSON_INDENT);
    json_string(json, "rule", c->rule);
    put_label(json, ev, c->part);
    json_integer(json, "classes", c->classes);
    json_array(json, "counts", JSON_LINE);
    for (int i = 0; i < c->classes * c->classes; i++)
        json_integer(json, NULL, c->counts[i]);
    json_end(json);
    json_end(json);
}

static void put_scores(Json *json, const Evaluation *ev, const Scores *scores) {
    put_level(json, "by_image", ev, &scores->image);
    put_level(json, "by_person", ev, &scores->person);
    json_array(json, "subgroups", JSON_INDENT);
    for (int i = 0; i < scores->subgroup_count; i++) {
        json_object(json, NULL, JSON_INDENT);
        json_string(json, "column", scores->subgroups[i].column);
        json_string(json, "category", scores->subgroups[i].category);
        put_estimate(json, "figure", ev, &scores->subgroups[i].estimate);
        json_end(json);
    }
    json_end(json);
    json_array(json, "curves", JSON_INDENT);
    for (int i = 0; i < scores->part_count; i++)
        put_curves(json, ev, &scores->parts[i]);
    json_end(json);
    json_array(json, "confusions", JSON_INDENT);
    for (int i = 0; i < scores->confusion_count; i++)
        put_confusion(json, ev, &scores->confusions[i]);
    json_end(json);
}

/* --- Checkpoints --- */

static void put_comparison(Json *json, const Comparison *c) {
    if (!c) {
        json_null(json, "comparison");
        return;
    }
    json_object(json, "comparison", JSON_INDENT);
    json_double(json, "baseline", c->first);
    json_double(json, "value", c->other);
    json_double(json, "difference", c->difference);
    put_interval(json, "interval", &c->interval);
    json_double(json, "p", c->p);
    json_double(json, "p_adjusted", c->adjusted);
    put_text(json, "reason", c->reason);
    json_integer(json, "images", c->images);
    put_count(json, "people", c->people);
    json_end(json);
}

static void put_checks(Json *json, const ControlResult *c) {
    json_object(json, "checks", JSON_INDENT);
    json_integer(json, "images", c->checks.images);
    json_integer(json, "people_shared", c->checks.people_shared);
    json_integer(json, "copies_shared", c->checks.copies_shared);
    json_integer(json, "images_of_nobody", c->checks.images_of_nobody);
    json_integer(json, "test_images", c->checks.test_images);
    json_integer(json, "test_people", c->checks.test_people);
    json_integer(json, "test_people_in", c->checks.test_people_in);
    json_integer(json, "test_people_beside", c->checks.test_people_beside);
    json_integer(json, "test_images_alone", c->test_images_alone);
    json_end(json);
}

static void put_control(Json *json, const Evaluated *checkpoint) {
    const ControlResult *c = &checkpoint->control;
    if (!checkpoint->controlled) {
        json_null(json, "control");
        return;
    }
    json_object(json, "control", JSON_INDENT);
    json_string(json, "verdict", verdict_name(c->verdict));
    json_array(json, "reasons", JSON_INDENT);
    for (int64_t i = 0; i < c->reason_count; i++)
        json_string(json, NULL, c->reasons[i]);
    json_end(json);
    put_text(json, "unseen", c->unseen);
    json_double(json, "score", c->score);
    json_double(json, "p", c->p);
    json_integer(json, "b", c->b);
    json_double(json, "null_mean", c->null_mean);
    json_double(json, "null_chance", c->null_chance);
    json_double(json, "excess", c->excess);
    json_double(json, "excess_error", c->excess_error);
    json_double(json, "chance", c->chance);
    json_double(json, "metadata", c->metadata);
    json_double(json, "metadata_low", c->metadata_low);
    json_double(json, "metadata_high", c->metadata_high);
    put_checks(json, c);
    json_array(json, "null", JSON_LINE);
    for (int i = 0; i < c->b; i++)
        json_double(json, NULL, c->null[i]);
    json_end(json);
    json_end(json);
}

static void put_encoder(Json *json, const Encoder *encoder) {
    static const uint8_t none[DIGEST_SHA256];
    char hex[2 * DIGEST_SHA256 + 1];
    digest_to_hex(encoder->sha256, DIGEST_SHA256, hex);
    json_object(json, "encoder", JSON_INDENT);
    put_text(json, "weights", encoder->source.random ? NULL : encoder->source.weights);
    put_text(json, "sha256", memcmp(encoder->sha256, none, sizeof none) ? hex : NULL);
    put_text(json, "run", encoder->source.run);
    json_bool(json, "random", encoder->source.random);
    json_integer(json, "dim", encoder->shape.dim);
    json_integer(json, "depth", encoder->shape.depth);
    json_integer(json, "heads", encoder->shape.heads);
    json_integer(json, "image_size", encoder->shape.image_size);
    json_integer(json, "patch_size", encoder->shape.patch_size);
    json_string(json, "type", encoder->type == REAL_BF16 ? "bf16" : "fp32");
    json_end(json);
}

static void put_checkpoint(Json *json, const Evaluation *ev, int number) {
    const Evaluated *checkpoint = &ev->list[number];
    json_object(json, NULL, JSON_INDENT);
    json_string(json, "name", checkpoint->name);
    json_bool(json, "baseline", number == evaluation_reference(ev));
    put_encoder(json, &checkpoint->encoder);
    json_string(json, "adapted", checkpoint->adapted);
    put_count(json, "step", checkpoint->step);
    json_double(json, "share", checkpoint->share);
    json_double(json, "val", checkpoint->val);
    put_estimate(json, "main", ev, &checkpoint->scores.image.list[checkpoint->scores.image.main]);
    put_comparison(json, checkpoint->other);
    json_array(json, "seeds", JSON_LINE);
    for (int i = 0; i < checkpoint->seed_count; i++)
        json_double(json, NULL, checkpoint->seed_scores[i]);
    json_end(json);
    put_control(json, checkpoint);
    put_scores(json, ev, &checkpoint->scores);
    json_end(json);
}

Status report_write_json(const Evaluation *ev, const char *path) {
    Split splits[SPLITS];
    Json json;
    Status status = splits_count(ev->rows, splits);
    if (status) {
        splits_free(splits);
        return status;
    }
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_INDENT);
    json_string(&json, "version", FOVEA_VERSION);
    json_string(&json, "written", words_date(clock_date()).text);
    json_double(&json, "seconds", ev->seconds);
    put_task(&json, ev);
    put_data(&json, "data", ev->cohort, ev->task_path);
    if (ev->external)
        put_data(&json, "external", ev->external, ev->external_path);
    else
        json_null(&json, "external");
    put_splits(&json, splits);
    json_integer(&json, "unreadable", ev->unreadable);
    json_integer(&json, "reads_before", ev->reads_before);
    json_integer(&json, "bootstraps", ev->resampling.bootstraps);
    json_unsigned(&json, "seed", ev->resampling.seed);
    json_array(&json, "checkpoints", JSON_INDENT);
    for (int i = 0; i < ev->count; i++)
        put_checkpoint(&json, ev, i);
    json_end(&json);
    json_end(&json);
    json_newline(&json);
    splits_free(splits);
    return json_write(&json, path);
}
