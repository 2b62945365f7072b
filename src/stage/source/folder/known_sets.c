/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/folder/known_sets.h"

#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

static const KnownSet any_folder = {.name = "", .person = PERSON_OF_NAME};

static const KnownSet sets[] = {
    {.name = "aptos",
     .dataset = "aptos2019",
     .tables = {{.name = "train.csv", .split = PACK_SPLIT_TRAIN}, {.name = "test.csv", .split = PACK_SPLIT_TEST}}},
    {.name = "brset",
     .dataset = "brset",
     .person_column = "patient_id",
     .eye_column = "exam_eye",
     .tables = {{.name = "labels_brset.csv", .other = "labels.csv"}}},
    {.name = "drive", .dataset = "drive", .person = PERSON_OF_NUMBER},
    {.name = "messidor",
     .dataset = "messidor",
     .tables = {{.name = "Annotation_Base*.csv"}},
     .spreadsheet = "Annotation_Base11.xls",
     .advice =
         "spreadsheets cannot be read: save each table Annotation_Base*.xls as a CSV file of the same name beside "
         "it"},
    {.name = "messidor2", .dataset = "messidor2", .tables = {{.name = "messidor_data.csv"}}},
    {.name = "idrid",
     .dataset = "idrid",
     .tables = {{.name = "a. IDRiD_Disease Grading_Training Labels.csv",
                 .folder = "a. Training Set",
                 .split = PACK_SPLIT_TRAIN},
                {.name = "b. IDRiD_Disease Grading_Testing Labels.csv",
                 .folder = "b. Testing Set",
                 .split = PACK_SPLIT_TEST}}},
    {.name = "papila",
     .dataset = "papila",
     .person = PERSON_OF_DIGITS,
     .person_column = "ID",
     .tables = {{.name = "patient_data_od.csv", .eye = PACK_EYE_RIGHT},
                {.name = "patient_data_os.csv", .eye = PACK_EYE_LEFT}},
     .spreadsheet = "ClinicalData/patient_data_od.xlsx",
     .advice =
         "spreadsheets cannot be read: save patient_data_od.xlsx and patient_data_os.xlsx as CSV files of the same "
         "names beside them, with one line of column names, the first of them ID"},
    {.name = "eyepacs",
     .dataset = "eyepacs",
     .person = PERSON_OF_NUMBER,
     .tables = {{.name = "trainLabels.csv", .split = PACK_SPLIT_TRAIN},
                {.name = "retinopathy_solution.csv", .other = "testLabels.csv", .split = PACK_SPLIT_TEST}}},
    {.name = "refuge",
     .dataset = "refuge",
     .tables = {{.name = "Fovea_locations.csv", .folder = "Validation", .split = PACK_SPLIT_VAL},
                {.name = "Glaucoma_label_and_Fovea_location.csv", .folder = "Test", .split = PACK_SPLIT_TEST}},
     .label = "glaucoma",
     .names = {"Glaucoma Label", "Label(Glaucoma=1)"},
     .folders = {{"Glaucoma", 1}, {"Non-Glaucoma", 0}},
     .spreadsheet = "Fovea_locations.xlsx",
     .advice = "spreadsheets cannot be read: save Fovea_locations.xlsx (validation) and "
               "Glaucoma_label_and_Fovea_location.xlsx (test) as CSV files of the same names beside them"},
    {.name = "rfmid",
     .dataset = "rfmid",
     .tables = {{.name = "RFMiD_Training_Labels.csv",
                 .other = "a. RFMiD_Training_Labels.csv",
                 .folder = "Training",
                 .split = PACK_SPLIT_TRAIN},
                {.name = "RFMiD_Validation_Labels.csv",
                 .other = "b. RFMiD_Validation_Labels.csv",
                 .folder = "Validation",
                 .split = PACK_SPLIT_VAL},
                {.name = "RFMiD_Testing_Labels.csv",
                 .other = "c. RFMiD_Testing_Labels.csv",
                 .folder = "Test",
                 .split = PACK_SPLIT_TEST}}},
    {.name = "odir",
     .dataset = "odir5k",
     .person = PERSON_OF_NUMBER,
     .person_column = "ID",
     .tables = {{.name = "full_df.csv", .folder = "preprocessed_images"}},
     .spreadsheet = "full_df.csv",
     .advice = "the table is not there; the challenge's table is a spreadsheet: save it as CSV and give it with "
               "--labels"},
};

bool known_table_is(const KnownTable *table, const char *name) {
    return fnmatch(table->name, name, FNM_CASEFOLD) == 0 ||
           (table->other && fnmatch(table->other, name, FNM_CASEFOLD) == 0);
}

Status known_sets_find(const char *name, const KnownSet **set) {
    *set = &any_folder;
    if (!name)
        return NULL;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (strcmp(sets[i].name, name) == 0) {
            *set = &sets[i];
            return NULL;
        }
    return status_error(EXIT_USAGE,
                        "unknown data set \"%s\": use aptos, brset, drive, eyepacs, idrid, messidor, messidor2, odir, "
                        "papila, refuge or rfmid",
                        name);
}
