/* SPDX-License-Identifier: Apache-2.0 */
/* What diabetic retinopathy leaves on the retina, by grade, after the order of the international clinical scale
 * (Wilkinson et al., Ophthalmology 2003): 1 microaneurysms only; 2 also haemorrhages, exudates, the odd cotton-wool
 * spot; 3 many of all; 4 also new vessels or blood before the retina. The counts of neighbouring grades overlap.
 * Drusen, which belong to age and not to the grade, are drawn here too: a bright spot alone must not tell the grade. */
#ifndef SYNTH_LESIONS_H
#define SYNTH_LESIONS_H

#include "tools/synth/paint.h"

typedef enum {
    MICROANEURYSM,
    HAEMORRHAGE,
    FLAME_HAEMORRHAGE,
    EXUDATE,
    COTTON_WOOL,
    PRERETINAL_HAEMORRHAGE,
    DRUSE
} LesionKind;

typedef struct {
    LesionKind kind;
    Spot spot;
    double strength; /* about 1 */
} Lesion;

typedef struct {
    Lesion *list;
    int count;
    int64_t capacity;
    VesselTree tufts; /* new vessels */
} Lesions;

/* Draws the lesions of an eye; they stay the same at every visit. Empty on failure. */
Status lesions_draw(Lesions *lesions, const Eye *eye, uint64_t seed) MUST_USE;
void lesions_free(Lesions *lesions);

/* Deposits, which lie behind the vessels; then blood, cotton wool and new vessels, which lie before them. */
void lesions_paint_behind(Canvas *canvas, const Noise *noise, const Lesions *lesions);
void lesions_paint_before(Canvas *canvas, const Noise *noise, const Lesions *lesions);

#endif
