/* One eye from traits to files: its vessels and lesions are grown once, then photographed at every visit. */
#ifndef SYNTH_PHOTOGRAPH_H
#define SYNTH_PHOTOGRAPH_H

#include "anatomy.h"
#include "arguments.h"

typedef enum { SPLIT_TRAIN, SPLIT_VAL, SPLIT_TEST } Split;

/* What labels.csv says of a photograph. */
typedef struct {
    char file[64]; /* below OUT */
    Split split;
    int64_t person; /* from 1 */
    bool left;
    int visit; /* from 1 */
    Device device;
    bool lesions;
    int grade, age;
    double tortuosity, cup_to_disc;
} Photograph;

const char *photograph_split_name(Split split);

/* Draws `visits` photographs of the right (0) or left (1) eye of person `number` (from 0), writes them below
 * arguments->out and fills photographs[visits]. */
Status photograph_eye(const Arguments *arguments, int64_t number, int eye, Split split, int visits,
                      Photograph *photographs) MUST_USE;

#endif
