/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/synth/plant.h"
#include "tools/synth/aireadi_names.h"
#include "tools/synth/anatomy.h"
#include "tools/synth/dicom_write.h"
#include "tools/synth/split.h"
#include <stdlib.h>

typedef struct {
    const Arguments *arguments;
    Photograph *photographs;
    bool *taken; /* [people] */
} Deal;

/* The people in an order keyed by the seed. */
static int64_t person_at(const Deal *deal, int64_t place) {
    return (int64_t)random_permute(deal->arguments->seed, STREAM_PLANT, (uint64_t)deal->arguments->people,
                                   (uint64_t)place);
}

/* The first person in that order who is free and can be partner to `person`; -1: none. */
static int64_t find_partner(const Deal *deal, const MistakeKind *kind, int64_t person) {
    const Split side = split_of(deal->arguments, person);
    for (int64_t place = 0; place < deal->arguments->people; place++) {
        const int64_t other = person_at(deal, place);
        if (deal->taken[other] || other == person)
            continue;
        const bool same = split_of(deal->arguments, other) == side;
        if (kind->partner == PARTNER_ANY || same == (kind->partner == PARTNER_SAME_SIDE))
            return other;
    }
    return -1;
}

static bool can_have(const MistakeKind *kind, const Photograph *photograph) {
    const bool jpeg = dicom_is_jpeg(aireadi_encoding(photograph));
    return kind->pixels == PIXELS_ANY || jpeg == (kind->pixels == PIXELS_JPEG);
}

/* One of the person's files, drawn from those that can have the mistake, or all of them. Of every person some can: the
 * left autofluorescence image is a JPEG, the infrared ones are native. */
static void mark(const Deal *deal, Mistake mistake, int64_t person, int64_t partner) {
    const MistakeKind *kind = mistake_kind(mistake);
    const int files = 2 * deal->arguments->visits;
    Photograph *first = deal->photographs + person * files;
    uint32_t fitting = 0;
    for (int i = 0; i < files; i++)
        fitting += can_have(kind, &first[i]);
    Random random;
    anatomy_stream(&random, deal->arguments->seed, STREAM_PLANT, anatomy_key((uint64_t)person, 0, 0));
    uint32_t drawn = random_below(&random, fitting);
    for (int i = 0; i < files; i++) {
        const bool chosen = kind->scope == SCOPE_PERSON || (can_have(kind, &first[i]) && drawn-- == 0);
        if (chosen) {
            first[i].mistake = mistake;
            first[i].partner = partner + 1;
        }
    }
}

static Status plant_one(Deal *deal, Mistake mistake) {
    const MistakeKind *kind = mistake_kind(mistake);
    for (int64_t place = 0; place < deal->arguments->people; place++) {
        const int64_t person = person_at(deal, place);
        if (deal->taken[person])
            continue;
        const int64_t partner = kind->partner ? find_partner(deal, kind, person) : -1;
        if (kind->partner && partner < 0)
            continue;
        deal->taken[person] = true;
        if (partner >= 0)
            deal->taken[partner] = true;
        mark(deal, mistake, person, partner);
        return NULL;
    }
    return status_error(EXIT_USAGE,
                        "%d of each mistake take more people on each side of the split than there "
                        "are: raise --people, --val or --test, or lower --mistakes",
                        deal->arguments->mistakes);
}

/* A mistake takes a person, and some a partner. */
static Status check_people(const Arguments *arguments) {
    int64_t each = 0;
    for (int mistake = 1; mistake < MISTAKES; mistake++) {
        const MistakeKind *kind = mistake_kind((Mistake)mistake);
        each += kind->plant == arguments->plant ? 1 + (kind->partner != PARTNER_NONE) : 0;
    }
    if (each * arguments->mistakes > arguments->people)
        return status_error(EXIT_USAGE,
                            "these mistakes need %lld people, one each and some two, but there are %lld: raise "
                            "--people or lower --mistakes (%d of each)",
                            (long long)(each * arguments->mistakes), (long long)arguments->people, arguments->mistakes);
    return NULL;
}

Status plant_deal(const Arguments *arguments, Photograph *photographs) {
    if (!arguments->plant)
        return NULL;
    TRY(check_people(arguments));
    const int visits = arguments->visits;
    for (int64_t i = 0; i < arguments->images; i++) {
        photographs[i].person = i / visits / 2 + 1;
        photographs[i].left = i / visits % 2 == 1;
        photographs[i].visit = (int)(i % visits) + 1;
    }
    Deal deal = {arguments, photographs, calloc((size_t)arguments->people, sizeof *deal.taken)};
    Status status = deal.taken ? NULL : status_no_memory("the mistakes", (size_t)arguments->people);
    for (int mistake = 1; mistake < MISTAKES && !status; mistake++)
        for (int i = 0; i < arguments->mistakes && !status; i++)
            if (mistake_kind((Mistake)mistake)->plant == arguments->plant)
                status = plant_one(&deal, (Mistake)mistake);
    free(deal.taken);
    return status;
}
