/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/folder/class_folders.h"

#include "base/paths.h"
#include "stage/source/folder/split_folders.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_CLASSES = 256,    /* more folders are people or visits */
    MAX_NUMBER = 1 << 24, /* labels are single precision */
};

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The class's folder of file `i`; false when it is not laid out as SPLIT/CLASS/FILE. */
static bool class_of_file(const FolderSet *set, int64_t i, const char **name, size_t *length) {
    size_t at;
    const char *path = set->files[i].path;
    const int depth = set->folders[i].depth;
    if (depth < 0 || path_parts(path) != depth + 3 || !path_part(path, depth + 1, &at, length))
        return false;
    *name = path + at;
    return true;
}

static Status take_class(const FolderSet *set, int64_t i, char **name, bool *found) {
    const char *start;
    size_t length;
    *found = class_of_file(set, i, &start, &length);
    return *found ? input_set_part(name, start, length) : NULL;
}

/* Lists the classes, sorted, each once. */
static Status list_classes(const FolderSet *set, ClassFolders *classes) {
    int64_t filled = 0;
    for (int64_t i = 0; i < set->file_count; i++) {
        bool found;
        TRY(take_class(set, i, &classes->names[filled], &found));
        filled += found;
        classes->count = filled;
        if (!found && !classes->strays++)
            classes->stray = set->files[i].path;
    }
    if (filled)
        qsort(classes->names, (size_t)filled, sizeof *classes->names, compare_names);
    classes->count = 0;
    for (int64_t i = 0; i < filled; i++) {
        if (classes->count && strcmp(classes->names[classes->count - 1], classes->names[i]) == 0)
            free(classes->names[i]);
        else
            classes->names[classes->count++] = classes->names[i];
    }
    return NULL;
}

/* --- Numbers -------------------------------------------------------------------------------------------------------*/

/* The number that a name begins with: "3", "03", "3_severe", "3. PDR"; -1: none, or one that a label cannot hold. */
static int64_t number_of_name(const char *name, bool *bare) {
    int64_t number = 0;
    const char *at = name;
    for (; isdigit((unsigned char)*at) && number <= MAX_NUMBER; at++)
        number = number * 10 + (*at - '0');
    *bare = at > name && !*at;
    return at == name || isalnum((unsigned char)*at) || number > MAX_NUMBER ? -1 : number;
}

/* Whether two names differ in case and blanks alone. */
static bool are_alike(const char *a, const char *b) {
    for (;; a++, b++) {
        a += strspn(a, " _");
        b += strspn(b, " _");
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        if (!*a)
            return true;
    }
}

static Status check_names_differ(const FolderSet *set, const ClassFolders *classes) {
    for (int64_t i = 0; i < classes->count; i++)
        for (int64_t k = 0; k < i; k++)
            if (are_alike(classes->names[k], classes->names[i]))
                return status_error(EXIT_DATA,
                                    "%s: the folders %s and %s differ in case or blanks alone: are they one class? "
                                    "give both one name, or different ones",
                                    set->builder.source->root, classes->names[k], classes->names[i]);
    return NULL;
}

/* Numbers that the names say, where all begin with different ones, else the places in the list. */
static Status number_classes(const FolderSet *set, ClassFolders *classes) {
    const char *number = NULL, *word = NULL, *repeated = NULL;
    bool all = true;
    for (int64_t i = 0; i < classes->count; i++) {
        bool bare;
        const int64_t value = number_of_name(classes->names[i], &bare);
        all &= value >= 0;
        number = bare ? classes->names[i] : number;
        word = bare ? word : classes->names[i];
        for (int64_t k = 0; k < i && !repeated; k++)
            repeated = value >= 0 && (float)value == classes->numbers[k] ? classes->names[i] : NULL;
        classes->numbers[i] = (float)value;
    }
    const char *root = set->builder.source->root;
    if (number && word)
        return status_error(EXIT_DATA,
                            "%s: the folders of classes mix numbers and words, such as %s and %s, so the classes' "
                            "numbers are unclear; name all by number, or none, or give a table with --labels",
                            root, number, word);
    if (number && repeated)
        return status_error(EXIT_DATA, "%s: two folders are class number %s; give them one name", root, repeated);
    for (int64_t i = 0; i < classes->count && (!all || repeated); i++)
        classes->numbers[i] = (float)i;
    return NULL;
}

/* --- The classes ---------------------------------------------------------------------------------------------------*/

/* FOLDER/FILE throughout: classes, if a split were above them. */
static bool has_folders_alone(const FolderSet *set) {
    for (int64_t i = 0; i < set->file_count; i++)
        if (set->folders[i].depth >= 0 || path_parts(set->files[i].path) != 2)
            return false;
    return set->file_count > 0;
}

/* Why the folders are no classes; NULL: they are, or nothing looks like classes. */
static const char *reason_against(const FolderSet *set, const ClassFolders *classes) {
    if (!classes->count)
        return has_folders_alone(set) ? "no folder above them is a split, such as train" : NULL;
    if (2 * classes->strays > set->file_count)
        return "most images are not laid out as SPLIT/CLASS/FILE";
    if (classes->count == 1 && split_name_is_empty(classes->names[0], strlen(classes->names[0])))
        return "all images are in one folder";
    if (classes->count > MAX_CLASSES)
        return "too many folders for classes: are they people?";
    for (int64_t i = 0; i < classes->count; i++) {
        const size_t digits = strspn(classes->names[i], "0123456789");
        bool bare;
        if (digits && !classes->names[i][digits] && number_of_name(classes->names[i], &bare) < 0)
            return "folders are numbers too large for classes: are they people, or dates?";
    }
    return NULL;
}

static Status judge_classes(const FolderSet *set, ClassFolders *classes) {
    TRY(list_classes(set, classes));
    const char *reason = reason_against(set, classes);
    if (reason)
        TRY(source_drop_column(set->builder.source, "folders", "class", "%s", reason));
    if (reason || !classes->count) {
        class_folders_close(classes);
        return NULL;
    }
    TRY(check_names_differ(set, classes));
    return number_classes(set, classes);
}

Status class_folders_find(const FolderSet *set, ClassFolders *classes) {
    const size_t most = (size_t)set->file_count + 1;
    *classes = (ClassFolders){.names = calloc(most, sizeof *classes->names),
                              .numbers = calloc(most, sizeof *classes->numbers)};
    Status status = classes->names && classes->numbers ? judge_classes(set, classes)
                                                       : status_no_memory("classes", most * sizeof *classes->names);
    if (status)
        class_folders_close(classes);
    return status;
}

Status class_folders_apply(FolderSet *set, const ClassFolders *classes) {
    StageSource *source = set->builder.source;
    for (int64_t i = 0; i < set->file_count; i++) {
        char *name = NULL;
        bool found;
        TRY(take_class(set, i, &name, &found));
        char **place =
            found ? bsearch(&name, classes->names, (size_t)classes->count, sizeof *classes->names, compare_names)
                  : NULL;
        if (place)
            source->inputs[i].labels[0] = classes->numbers[place - classes->names];
        free(name);
    }
    for (int64_t i = 0; i < classes->count; i++)
        TRY(source_add_class(source, classes->names[i], classes->numbers[i]));
    if (!classes->strays)
        return NULL;
    return source_warn(source,
                       "%lld image%s not in a class's folder (SPLIT/CLASS/FILE), such as %s: the class is unknown",
                       (long long)classes->strays, classes->strays == 1 ? " is" : "s are", classes->stray);
}

void class_folders_close(ClassFolders *classes) {
    for (int64_t i = 0; classes->names && i < classes->count; i++)
        free(classes->names[i]);
    free(classes->names);
    free(classes->numbers);
    *classes = (ClassFolders){0};
}
