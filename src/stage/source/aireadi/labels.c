/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/aireadi/labels.h"

const char *const label_names[LABELS] = {
    "study_group",      "age",           "site",     "hba1c",  "bmi",        "systolic",
    "diastolic",        "heart_rate",    "weight",   "height", "creatinine", "cholesterol_total",
    "cholesterol_hdl",  "triglycerides", "glucose",  "crp_hs", "insulin",    "urine_albumin",
    "urine_creatinine", "retinopathy",   "glaucoma", "amd",    "cataract",   "rvo",
    "hypertension"};

/* Concept ids from the release's documentation (static/json/mappings.json), in the order of the names. */
static const int measurement_concepts[MEASUREMENTS] = {3004410, 4245997, 3004249, 3012888, 4239408, 3025315,
                                                       3036277, 3016723, 3027114, 3007070, 3022192, 3004501,
                                                       3010156, 3016244, 3012516, 3017250};
static const int condition_concepts[CONDITIONS] = {4174977, 437541, 374028, 4317977, 440392, 316866};

static int find_concept(const int *concepts, int count, double concept) {
    for (int i = 0; i < count; i++)
        if (concepts[i] == concept)
            return i;
    return -1;
}

int label_measurement(double concept) {
    return find_concept(measurement_concepts, MEASUREMENTS, concept);
}

int label_condition(double concept) {
    return find_concept(condition_concepts, CONDITIONS, concept);
}
