/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/folder/folder_set.h"

#include "base/list.h"
#include "base/paths.h"

#include <stdlib.h>
#include <string.h>

static Status set_first_digits(const char *name, char **person) {
    size_t at = strcspn(name, "0123456789");
    return input_set_part(person, name + at, strspn(name + at, "0123456789"));
}

static Status find_person(const FolderSet *set, const char *path, char **person) {
    *person = NULL;
    const char *name = path_name(path);
    size_t digits = strspn(name, "0123456789");
    if (set->known->person == PERSON_OF_NUMBER && digits && name[digits] == '_')
        return input_set_part(person, name, digits);
    if (set->known->person == PERSON_OF_DIGITS && name[strcspn(name, "0123456789")])
        return set_first_digits(name, person);
    if (set->index.names_repeat) /* the same name in two folders is two images, not one person */
        name = path;
    return input_set_part(person, name, image_stem(name));
}

Status folder_set_add(FolderSet *set, const char *path, StageInput **input) {
    char *person = NULL;
    TRY(builder_add(&set->builder, path, input));
    TRY(find_person(set, path, &person));
    free((*input)->person);
    (*input)->person = person;
    TRY(input_set(&(*input)->modality, "cfp"));
    (*input)->is_dicom = input_is_dicom(path);
    return NULL;
}

Status folder_set_label(FolderSet *set, const char *name, int *number) {
    for (*number = 0; *number < set->label_count; (*number)++)
        if (strcmp(set->labels[*number], name) == 0)
            return NULL;
    TRY(list_grow(&set->labels, set->label_count, &set->label_capacity, sizeof *set->labels, "the labels' names"));
    set->labels[set->label_count] = NULL;
    TRY(input_set(&set->labels[set->label_count], name));
    set->label_count++;
    return NULL;
}
