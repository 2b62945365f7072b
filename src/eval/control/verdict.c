/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/control/verdict.h"

#include "base/list.h"
#include "base/text.h"

#include <math.h>

/* By so many standard errors scrambled scores may be over chance. */
static const double MOST_ERRORS = 4;
/* What counts as over chance where no scramble changes a score. */
static const double LEAST_EXCESS = 1e-9;

const char *verdict_name(ControlVerdict verdict) {
    static const char *const names[] = {"clean", "suspect", "leaking"};
    return names[verdict];
}

static Status add_reason(ControlResult *r, ControlVerdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static Status add_reason(ControlResult *r, ControlVerdict verdict, const char *format, ...) {
    va_list arguments;
    TRY(list_grow(&r->reasons, r->reason_count, &r->reason_room, sizeof *r->reasons, "a list of reasons"));
    va_start(arguments, format);
    Status status = text_format_list(&r->reasons[r->reason_count], "a reason", format, arguments);
    va_end(arguments);
    if (status)
        return status;
    r->reason_count++;
    if (verdict > r->verdict)
        r->verdict = verdict;
    return NULL;
}

static Status find_leaks(ControlResult *r) {
    const ControlChecks *c = &r->checks;
    if (c->people_shared)
        TRY(add_reason(r, CONTROL_LEAKING,
                       "people: %lld %s on two sides of the split, so that a model can recognise them; split by person",
                       (long long)c->people_shared, c->people_shared == 1 ? "is" : "are"));
    if (c->copies_shared)
        TRY(add_reason(r, CONTROL_LEAKING,
                       "copies: %lld %s on two sides of the split, as copies of each other; keep those of "
                       "a photograph together",
                       (long long)c->copies_shared, c->copies_shared == 1 ? "photograph is" : "photographs are"));
    if (r->excess > MOST_ERRORS * r->excess_error && r->excess > LEAST_EXCESS)
        TRY(add_reason(
            r, CONTROL_LEAKING,
            "scramble: with scrambled labels %s is %.4f on average, and %.4f by chance, a difference of %.1f "
            "standard errors: something of test is known before it is predicted",
            r->metric.name, r->null_mean, r->null_chance, r->excess / r->excess_error));
    return NULL;
}

static Status find_people(ControlResult *r) {
    const ControlChecks *c = &r->checks;
    if (c->images_of_nobody)
        TRY(add_reason(r, CONTROL_SUSPECT,
                       "people: of %lld of %lld images the person is not known; they may be on two sides of the split",
                       (long long)c->images_of_nobody, (long long)c->images));
    if (c->test_people_in < VERDICT_FEWEST_PEOPLE || c->test_people_beside < VERDICT_FEWEST_PEOPLE)
        TRY(add_reason(r, CONTROL_SUSPECT,
                       "people: too few on test, %lld with its commonest label and %lld with another; it takes %d each",
                       (long long)c->test_people_in, (long long)c->test_people_beside, VERDICT_FEWEST_PEOPLE));
    if (2 * r->test_images_alone > c->test_images)
        TRY(add_reason(
            r, CONTROL_SUSPECT,
            "people: too few on test with equal numbers of images, so that the labels of %lld of %lld images "
            "cannot be scrambled",
            (long long)r->test_images_alone, (long long)c->test_images));
    return NULL;
}

static Status find_metadata(ControlResult *r) {
    const int sign = r->metric.sign;
    const double gain = sign * (r->score - r->chance), alone = sign * (r->metadata - r->metadata_chance);
    const double low = alone - fabs(r->metadata_high - r->metadata);
    if (!(alone > gain / 2 && low > 0))
        return NULL;
    return add_reason(r, CONTROL_SUSPECT,
                      "metadata: without the images, from the rows' columns and order, %s is %.4f (%.4f to %.4f), and "
                      "%.4f with them: the images may tell where they are from, not what they show",
                      r->metric.name, r->metadata, r->metadata_low, r->metadata_high, r->score);
}

static Status find_contamination(const ControlContamination *contamination, ControlResult *r) {
    for (int64_t i = 0; contamination && i < contamination->count; i++) {
        const Contamination *item = &contamination->list[i];
        if (item->images >= 0)
            TRY(add_reason(
                r, CONTROL_SUSPECT,
                "contamination: %s was pretrained on %lld of the %lld test images, or on others of their people, of %s "
                "(%s)",
                item->weights, (long long)item->images, (long long)r->checks.test_images, item->dataset, item->source));
        else
            TRY(add_reason(r, CONTROL_SUSPECT, "contamination: %s was pretrained on images of %s (%s)", item->weights,
                           item->dataset, item->source));
    }
    return NULL;
}

/* A list that is not there any more excuses nobody, and whoever reads the verdict must know. */
static Status tell_unsearched(const ControlContamination *contamination, ControlResult *r) {
    for (int64_t i = 0; contamination && i < contamination->unsearched_count; i++)
        TRY(add_reason(r, CONTROL_CLEAN, "not searched: %s", contamination->unsearched[i]));
    return NULL;
}

Status verdict_find(ControlResult *r, double alpha, const ControlContamination *contamination) {
    r->verdict = CONTROL_CLEAN;
    r->unseen = "A feature that was made from the label, such as a mark on images of the ill, looks like one that was "
                "learnt: no scramble shows it. Neither is pretraining on the test images seen where no list has it.";
    TRY(find_leaks(r));
    TRY(find_people(r));
    TRY(find_metadata(r));
    TRY(find_contamination(contamination, r));
    if (r->verdict == CONTROL_CLEAN && r->p > alpha)
        TRY(add_reason(r, CONTROL_CLEAN, "nothing learnt: p is %.3f, scrambled labels do as well", r->p));
    return tell_unsearched(contamination, r);
}
