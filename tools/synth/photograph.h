/* SPDX-License-Identifier: Apache-2.0 */
/* One eye from traits to files: its vessels and lesions are grown once, then photographed at every visit. */
#ifndef SYNTH_PHOTOGRAPH_H
#define SYNTH_PHOTOGRAPH_H

#include "tools/synth/anatomy.h"
#include "tools/synth/arguments.h"
#include "tools/synth/mistakes.h"
#include "tools/synth/split.h"

/* What the tables say of a photograph. */
typedef struct {
    char file[200]; /* below OUT */
    Split split;
    int64_t person; /* from 1 */
    bool left;
    int visit; /* from 1 */
    Device device;
    bool lesions;
    int grade, age;
    double tortuosity, cup_to_disc;
    /* In the layout aireadi: */
    Mistake mistake;   /* that is planted here */
    int64_t partner;   /* the second person it takes, from 1 */
    char md5[33];      /* of the file as the download's list has it */
    char twin[200];    /* a second file of the same or nearly the same image, below OUT; "" */
    char twin_md5[33]; /* its MD5 */
} Photograph;

/* Draws `visits` photographs of the right (0) or left (1) eye of person `number` (from 0), writes them below
 * arguments->out and fills photographs[visits], except their mistakes. */
Status photograph_eye(const Arguments *arguments, int64_t number, int eye, Split split, int visits,
                      Photograph *photographs) MUST_USE;

#endif
